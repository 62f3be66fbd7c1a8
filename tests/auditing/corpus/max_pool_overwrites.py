import numpy as np


def maxpool_backward(dout, x):
    N, L = x.shape
    size, stride = 3, 2
    dx = np.zeros(x.shape)
    for n in range(N):
        for i in range(dout.shape[1]):
            start = i * stride
            window = x[n, start:start + size]
            winner = start + window.argmax()
            dx[n, winner] = dout[n, i]
    return dx
