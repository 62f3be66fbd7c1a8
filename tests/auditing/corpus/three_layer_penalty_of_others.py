import numpy as np


def softmax_rows(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def backprop(X, y, W1, b1, W2, b2, W3, b3, reg=0.01):
    """Gradients of mean cross-entropy plus reg / 2 times the squares of the weights."""
    n = X.shape[0]
    h1 = np.maximum(0, X @ W1 + b1)
    h2 = np.maximum(0, h1 @ W2 + b2)
    probs = softmax_rows(h2 @ W3 + b3)

    delta = probs
    delta[np.arange(n), y] -= 1
    delta /= n
    dW3 = h2.T @ delta
    db3 = delta.sum(axis=0)
    delta = (delta @ W3.T) * (h2 > 0)
    dW2 = h1.T @ delta
    db2 = delta.sum(axis=0)
    delta = (delta @ W2.T) * (h1 > 0)
    dW1 = X.T @ delta
    db1 = delta.sum(axis=0)

    dW1 += reg * W1
    dW2 += reg * W1
    dW3 += reg * W3
    return dW1, db1, dW2, db2, dW3, db3
