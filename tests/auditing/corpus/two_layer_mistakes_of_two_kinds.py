import numpy as np


def gradients(x, y, W1, b1, W2, b2):
    N = x.shape[0]
    h = np.maximum(0, x @ W1 + b1)
    scores = h @ W2 + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    delta = p.copy()
    delta[np.arange(N), y] -= 1
    delta /= N
    grad_W2 = -h.T @ delta
    grad_b2 = delta.sum(axis=0)
    delta = delta @ W2.T
    delta[h <= 0] = 0
    grad_W1 = x.T @ delta
    grad_b1 = delta.mean(axis=0)
    return grad_W1, grad_b1, grad_W2, grad_b2
