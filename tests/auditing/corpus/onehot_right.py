import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    """Biases are rows, (1, units)."""
    b1 = b1.reshape(1, -1)
    b2 = b2.reshape(1, -1)
    H = 1 / (1 + np.exp(-(X @ W1 + b1)))
    S = H @ W2 + b2
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    dS = P - Y
    dH = dS @ W2.T * H * (1 - H)
    return X.T @ dH, dH.sum(axis=0, keepdims=True), H.T @ dS, dS.sum(axis=0, keepdims=True)
