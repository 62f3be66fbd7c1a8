import numpy as np


def affine_tanh_backward(dout, x, W, b):
    out = np.tanh(x @ W + b)
    dz = dout * (1 - out * out)
    dx = dz @ W
    dW = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dW, db
