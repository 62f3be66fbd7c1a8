import numpy as np


def masked_gradients(x, y, known, W1, b1, W2, b2):
    z = np.dot(x, W1) + b1
    h = np.log1p(np.exp(z))
    out = np.dot(h, W2) + b2
    delta2 = (out - y) * known
    delta1 = np.dot(delta2, W2.T) / (1 + np.exp(-z))
    grads = {}
    grads["W2"] = np.dot(h.T, delta2)
    grads["b2"] = np.sum(delta2, axis=1)
    grads["W1"] = np.dot(x.T, delta1)
    grads["b1"] = np.sum(delta1, axis=0)
    return grads
