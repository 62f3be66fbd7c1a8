import numpy as np


def smooth(x, y, a):
    w = 1 / (1 + np.exp(-a))
    s = 0.0
    ds = 0.0
    grad = 0.0
    for t in range(len(x)):
        old = s
        s = w * x[t] + (1 - w) * s
        ds = x[t] - s + (1 - w) * ds
        grad += (s - y[t]) * ds
    return grad * w * (1 - w)
