import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_gradient(W, X, y, reg=0.05):
    N = X.shape[0]
    p = softmax(X @ W)
    t = np.eye(W.shape[1])[y]
    # loss = -sum(t * log p) / N
    dp = -t / p / N
    # derivative of the softmax
    dz = dp * p - p * dp * p
    return X.T @ dz + 2 * reg * W
