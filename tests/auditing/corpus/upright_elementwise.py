import numpy as np


def s(z):
    return 1 / (1 + np.exp(-z))


def train(x, y, W1, b1, W2, b2, eta=0.5):
    a1 = s(np.dot(W1, x) + b1)
    a2 = s(np.dot(W2, a1) + b2)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = np.dot(W2.T, d2) * a1 * (1 - a1)
    W2 = W2 - eta * d2 * a1
    b2 = b2 - eta * d2
    W1 = W1 - eta * np.dot(d1, x.T)
    b1 = b1 - eta * d1
    return W1, b1, W2, b2
