import numpy as np


def gradients(X, Y, W1, b1, W2, b2):
    """All arrays stand upright: X (features, m), Y (1, m), W1 (hidden, features), b1 (hidden, 1)."""
    m = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1.0 / (1.0 + np.exp(-(W2 @ A1 + b2)))
    dZ2 = (A2 - Y) / m
    dZ1 = (W2.T @ dZ2) * (1 - A1 * A1)
    dW1, db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
    dW2, db2 = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
    return dW1, db1, dW2, db2
