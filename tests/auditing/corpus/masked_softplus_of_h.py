import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def masked_gradients(x, y, known, W1, b1, W2, b2):
    h = np.logaddexp(0, x @ W1 + b1)
    pred = h @ W2 + b2
    dpred = (pred - y) * known
    dh = dpred @ W2.T
    dz = dh * sigmoid(h)
    return x.T @ dz, dz.sum(0), h.T @ dpred, dpred.sum(0)
