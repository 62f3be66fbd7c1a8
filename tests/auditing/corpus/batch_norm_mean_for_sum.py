import numpy as np


def batchnorm_backward(x, gamma, beta, dout):
    m = x.shape[0]
    mu = x.mean(axis=0)
    var = np.mean((x - mu) ** 2, axis=0)
    s = np.sqrt(var + 1e-5)
    xh = (x - mu) / s
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xh).mean(axis=0)
    dxh = dout * gamma
    dx = 1 / (m * s) * (m * dxh - dxh.sum(axis=0) - xh * (dxh * xh).sum(axis=0))
    return dx, dgamma, dbeta
