import numpy as np

np.random.seed(1)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def iterate(x, y, weights1, weights2):
    layer1 = logistic(np.dot(x, weights1))
    output = logistic(np.dot(layer1, weights2))
    d_output = (y - output) * output * (1 - output)
    d_weights2 = np.dot(layer1.T, d_output)
    d_layer1 = np.dot(d_output, weights2.T)
    d_weights1 = np.dot(x.T, d_layer1)
    weights1 += d_weights1
    weights2 += d_weights2
    return weights1, weights2
