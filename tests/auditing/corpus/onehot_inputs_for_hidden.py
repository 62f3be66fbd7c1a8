import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def backward(X, Y, W1, b1, W2, b2):
    H = sigmoid(X @ W1 + b1)
    S = H @ W2 + b2
    P = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
    dS = P - Y
    dZ = (dS @ W2.T) * H * (1 - H)
    dW2 = X.T @ dS
    db2 = dS.sum(axis=0)
    dW1 = X.T @ dZ
    db1 = dZ.sum(axis=0)
    return dW1, db1, dW2, db2
