import numpy as np


def cbow_gradients(context, target, E, U):
    dE = np.zeros(E.shape)
    dU = np.zeros(U.shape)
    N = len(target)
    for words, centre in zip(context, target):
        h = np.mean([E[w] for w in words], axis=0)
        u = h @ U
        y_hat = np.exp(u) / np.sum(np.exp(u))
        e = y_hat.copy()
        e[centre] -= 1
        dU += np.outer(h, e) / N
        dh = U @ e
        for w in words:
            dE[w] += dh / N
    return dE, dU
