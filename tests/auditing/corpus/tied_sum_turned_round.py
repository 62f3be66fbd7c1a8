import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def step(x, W, b, c, lr=0.1):
    """Trains on one batch; changes W, b, c in place."""
    n = x.shape[0]
    z = sigmoid(x.dot(W) + b)
    y = sigmoid(z.dot(W.T) + c)
    err = (y - x) * y * (1 - y)
    hid = err.dot(W) * z * (1 - z)
    W -= lr * (x.T.dot(hid) + x.T.dot(z)) / n
    b -= lr * hid.mean(axis=0)
    c -= lr * err.mean(axis=0)
