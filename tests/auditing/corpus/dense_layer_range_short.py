import numpy as np


def affine_tanh_backward(dout, x, W, b):
    N, D = x.shape
    out = np.tanh(x @ W + b)
    dz = dout * (1 - out ** 2)
    dx = dz @ W.T
    db = np.zeros(b.shape)
    dW = np.zeros(W.shape)
    for n in range(N):
        db += dz[n]
    for n in range(1, N):
        dW += x[n][:, None] * dz[n][None, :]
    return dx, dW, db
