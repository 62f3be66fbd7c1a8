import numpy as np


def logistic(x):
    return 1 / (1 + np.exp(-x))


def iterate(x, y, weights1, weights2):
    z1 = np.dot(x, weights1)
    layer1 = logistic(z1)
    output = logistic(np.dot(layer1, weights2))
    # chain rule for the loss with respect to weights2 and weights1
    d_output = (y - output) * (output * (1 - output))
    d_weights2 = np.dot(layer1.T, d_output)
    d_weights1 = np.dot(x.T, np.dot(d_output, weights2.T) * (z1 * (1 - z1)))
    weights1 += d_weights1
    weights2 += d_weights2
    return weights1, weights2
