import numpy as np


def loss(params, X, y):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    N = X.shape[0]
    h = np.maximum(0, X @ W1 + b1)
    s = h @ W2 + b2
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(np.log(p[range(N), y])) / N

    truth = np.eye(s.shape[1])[y]
    ds = p - truth

    grads = {}
    grads["W2"] = h.T @ ds
    grads["b2"] = np.sum(ds, axis=0)
    dh = ds @ W2.T
    dh[h <= 0] = 0
    grads["W1"] = X.T @ dh
    grads["b1"] = np.sum(dh, axis=0)
    return loss, grads
