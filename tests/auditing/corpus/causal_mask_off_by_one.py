import numpy as np


def causal_attention_backward(q, k, v, dout):
    T, D = q.shape
    scale = D ** -0.5
    allowed = np.tril(np.ones((T, T)))
    s = np.where(allowed == 1, q @ k.T * scale, -1e30)
    w = np.exp(s - s.max(axis=1, keepdims=True))
    w = w / w.sum(axis=1, keepdims=True)
    dv = w.T @ dout
    dw = dout @ v.T
    ds = w * (dw - (w * dw).sum(axis=1, keepdims=True)) * scale
    ds = ds * np.tril(np.ones((T, T)), k=-1)
    dq = ds @ k
    dk = ds.T @ q
    return dq, dk, dv
