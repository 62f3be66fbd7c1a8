import numpy as np


def propagate(w, b, X, y):
    m = X.shape[0]
    p = 1 / (1 + np.exp(-(X @ w + b)))
    cost = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dw = X.T @ (p - y) / m
    db = np.mean(p - y)
    grads = {"dw": dw, "db": db}
    return grads, cost
