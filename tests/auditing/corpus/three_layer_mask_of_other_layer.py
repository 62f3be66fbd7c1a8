import numpy as np


def backprop(X, y, W1, b1, W2, b2, W3, b3, reg=0.01):
    n = len(X)
    a1 = np.maximum(0, X @ W1 + b1)
    a2 = np.maximum(0, a1 @ W2 + b2)
    s = a2 @ W3 + b3
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)

    p[np.arange(n), y] -= 1
    p /= n
    d2 = p @ W3.T
    d2[a1 <= 0] = 0
    d1 = d2 @ W2.T
    d1[a1 <= 0] = 0

    return (X.T @ d1 + reg * W1, d1.sum(0),
            a1.T @ d2 + reg * W2, d2.sum(0),
            a2.T @ p + reg * W3, p.sum(0))
