import numpy as np


def causal_attention_backward(q, k, v, dout):
    T, D = q.shape
    mask = np.triu(np.ones((T, T), dtype=bool), k=1)
    s = q @ k.T / np.sqrt(D)
    s[mask] = -np.inf
    w = np.exp(s - s.max(axis=1, keepdims=True))
    w /= w.sum(axis=1, keepdims=True)
    dv = w.T @ dout
    dw = dout @ v.T
    ds = w * (dw - (w * dw).sum(axis=1, keepdims=True))
    ds[mask] = 0
    ds /= np.sqrt(D)
    return ds @ k, ds.T @ q, dv
