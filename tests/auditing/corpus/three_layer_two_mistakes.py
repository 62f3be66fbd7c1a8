import numpy as np


def backprop(X, y, W1, b1, W2, b2, W3, b3, l2=0.01):
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    a2 = np.maximum(z2, 0)
    z3 = a2 @ W3 + b3
    z3 = z3 - z3.max(axis=1, keepdims=True)
    probs = np.exp(z3) / np.exp(z3).sum(axis=1, keepdims=True)
    t = np.zeros_like(probs)
    t[np.arange(m), y] = 1

    dz3 = (probs - t) / m
    dW3 = a2.T @ dz3 + 2 * l2 * W3
    db3 = dz3.sum(axis=0)
    dz2 = (dz3 @ W3.T) * (z2 > 0)
    dW2 = a1.T @ dz2 + l2 * W2
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T
    dW1 = X.T @ dz1 + l2 * W1
    db1 = dz1.sum(axis=0)
    return dict(W1=dW1, b1=db1, W2=dW2, b2=db2, W3=dW3, b3=db3)
