import numpy as np


def step(x, t, W1, b1, W2, b2, eta=0.1, wd=0.02):
    N = x.shape[0]
    h = np.tanh(x @ W1 + b1)
    o = h @ W2 + b2
    # d/do of the squared error
    do = 2 * (o - t) / N
    dh = do @ W2.T * (1 - h ** 2)
    gW1 = x.T @ dh + wd * W1
    gb1 = dh.sum(axis=0)
    gW2 = h.T @ do + wd * W2
    gb2 = do.sum(axis=0)
    return W1 - eta * gW1, b1 - eta * gb1, W2 - eta * gW2, b2 - eta * gb2
