import numpy as np


def train_pair(context, target, E, U, lr=0.1):
    N, C = context.shape
    h = E[context].mean(axis=1)
    logits = h @ U
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(N), target] -= 1
    dlogits = p / N
    dU = h.T @ dlogits
    dh = dlogits @ U.T
    dE = np.zeros_like(E)
    np.add.at(dE, context, dh[:, None, :] / C)
    E -= lr * dE
    U -= lr * dU
    return E, U
