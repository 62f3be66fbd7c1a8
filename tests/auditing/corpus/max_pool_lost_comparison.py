import numpy as np


def maxpool_backward(dout, x):
    dx = np.zeros_like(x)
    for i in range(dout.shape[1]):
        for p in range(3):
            window = x[:, 2 * i:2 * i + 3]
            is_max = window[:, p] == window.max(axis=1)
            dx[:, 2 * i + p] += dout[:, i]
    return dx
