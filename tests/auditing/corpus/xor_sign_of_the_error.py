import numpy as np


def backprop(x, y, W1, b1, W2, b2):
    a = 1 / (1 + np.exp(-(x @ W1 + b1)))
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))

    err = y - p
    delta2 = 2 * err * p * (1 - p) / x.shape[0]
    delta1 = (delta2 @ W2.T) * a * (1 - a)

    grads = {}
    grads["W2"] = a.T @ delta2
    grads["b2"] = delta2.sum(0)
    grads["W1"] = x.T @ delta1
    grads["b1"] = delta1.sum(0)
    return grads
