import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    H = 1 / (1 + np.exp(-X @ W1 - b1))
    S = H @ W2 + b2
    P = np.exp(S - S.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    dS = (P - Y) / n
    dW2 = H.T @ dS
    db2 = dS.sum(axis=0)
    dH = dS @ W2.T
    dZ = dH * H * (1 - H)
    return {"W1": X.T @ dZ, "b1": dZ.sum(axis=0), "W2": dW2, "b2": db2}
