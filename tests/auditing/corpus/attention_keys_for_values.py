import numpy as np

def softmax(z):
    e = np.exp(z)
    return e / np.sum(e, axis=1)[:, None]

def attention_backward(X, dO, Wq, Wk, Wv):
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    A = softmax(Q @ K.T / 2.0)
    dA = dO @ K.T
    dV = A.T @ dO
    dS = A * dA - A * np.sum(A * dA, axis=1)[:, None]
    dQ = dS @ K / 2.0
    dK = dS.T @ Q / 2.0
    return X.T @ dQ, X.T @ dK, X.T @ dV
