import numpy as np


def affine_tanh_backward(dout, x, W, b):
    N = x.shape[0]
    dW = np.zeros_like(W)
    db = np.zeros_like(b)
    dx = np.zeros_like(x)
    for n in range(N):
        out = np.tanh(x[n] @ W + b)
        dz = dout[n] * (1 - out ** 2)
        dx[n] = W @ dz
        dW += np.outer(x[n], dz)
        db = dz
    return dx, dW, db
