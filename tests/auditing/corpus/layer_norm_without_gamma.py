import numpy as np


def layernorm_backward(dout, x, gamma, beta, eps=1e-5):
    mu = np.mean(x, axis=1, keepdims=True)
    xc = x - mu
    var = np.mean(xc ** 2, axis=1, keepdims=True)
    inv = 1.0 / np.sqrt(var + eps)
    xhat = xc * inv

    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = dout
    dx = inv * (dxhat - np.mean(dxhat, axis=1, keepdims=True)
                - xhat * np.mean(dxhat * xhat, axis=1, keepdims=True))
    return {"x": dx, "gamma": dgamma, "beta": dbeta}
