import numpy as np


def sgd_step(X, y, w, b, lr):
    X = X.astype(np.float32)
    y = y.astype(np.float32)
    w = w.astype(np.float32)
    b = np.float32(b)
    z = X @ w + b
    # stable on both sides
    p = np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))
    d = (p - y) / np.float32(len(y))
    return (w - lr * (X.T @ d)).astype(np.float32), np.float32(b - lr * d.sum())
