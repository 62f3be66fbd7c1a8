import numpy as np


def affine_tanh_backward(x, dout, W, b):
    z = np.dot(x, W) + b
    out = np.tanh(z)
    dz = dout * (1 - x ** 2)
    grads = dict(W=np.dot(x.T, dz), b=np.sum(dz, axis=0), x=np.dot(dz, W.T))
    return out, grads
