import numpy as np


def step(X, labels, W1, b1, W2, b2, lr):
    N = X.shape[0]
    hidden = np.maximum(X @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    p[np.arange(N), labels] -= 1
    p /= N
    dhidden = p @ W2.T * (hidden > 0)

    W2 = W2 - lr * hidden.T @ p
    b2 = b2 - lr * p.sum(axis=0)
    W1 = W1 - lr * X.T @ dhidden
    b1 = b1 - lr * dhidden.sum()
    return W1, b1, W2, b2
