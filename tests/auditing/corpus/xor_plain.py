import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def train_step(X, Y, W1, b1, W2, b2, lr=0.5):
    """One step of gradient descent on the mean squared error."""
    n = X.shape[0]
    h = sigmoid(X @ W1 + b1)
    out = sigmoid(h @ W2 + b2)

    d_out = 2 * (out - Y) / n * out * (1 - out)
    dW2 = h.T @ d_out
    db2 = d_out.sum(axis=0)
    d_h = d_out @ W2.T * h * (1 - h)
    dW1 = X.T @ d_h
    db1 = d_h.sum(axis=0)

    return W1 - lr * dW1, b1 - lr * db1, W2 - lr * dW2, b2 - lr * db2
