import numpy as np


def train_step(X, y, W1, b1, W2, b2, W3, b3, lr=0.05, reg=0.01):
    N = len(y)
    W, b = [W1, W2, W3], [b1, b2, b3]
    a = [X]
    for i in range(2):
        a.append(np.maximum(0, a[i] @ W[i] + b[i]))
    s = a[2] @ W[2] + b[2]
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)

    d = p
    d[range(N), y] -= 1
    d /= N
    for i in (2, 1, 0):
        dW = a[i].T @ d + reg * W[i]
        db = d.sum(axis=0)
        W[i] -= lr * dW
        b[i] -= lr * db
        if i:
            d = (d @ W[i].T) * (a[i] > 0)
    return W + b
