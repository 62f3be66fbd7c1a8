import numpy as np


def batchnorm_backward(dout, x, gamma, beta, eps=1e-5):
    N = x.shape[0]
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    inv = 1 / np.sqrt(var + eps)
    xhat = (x - mu) * inv
    dgamma = np.sum(xhat * dout, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = gamma * dout
    dvar = np.sum(dxhat * (x - mu) * -0.5 * inv ** 3, axis=0)
    dx = dxhat * inv + dvar * 2 * (x - mu) / N
    return dx, dgamma, dbeta
