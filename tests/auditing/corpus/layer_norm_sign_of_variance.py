import numpy as np


def layernorm_backward(x, gamma, beta, dout):
    N, D = x.shape
    mu = x.sum(axis=1, keepdims=True) / D
    xmu = x - mu
    var = (xmu ** 2).sum(axis=1, keepdims=True) / D
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar

    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    divar = (dxhat * xmu).sum(axis=1, keepdims=True)
    dvar = 0.5 * ivar ** 3 * divar
    dxmu = dxhat * ivar + 2.0 / D * xmu * dvar
    dmu = -dxmu.sum(axis=1, keepdims=True)
    dx = dxmu + dmu / D
    return dx, dgamma, dbeta
