import numpy as np


def train_pair(context, target, E, U, lr=0.1):
    N, C = context.shape
    h = E[context].mean(axis=1)
    z = h @ U
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    y = np.zeros_like(p)
    y[np.arange(N), target] = 1
    dz = (p - y) / N
    dE = np.zeros_like(E)
    dE[context] += (dz @ U.T)[:, None, :] / C
    dU = h.T @ dz
    return E - lr * dE, U - lr * dU
