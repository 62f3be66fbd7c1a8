import numpy as np


class Head:
    def __init__(self, Wq, Wk, Wv):
        self.Wq, self.Wk, self.Wv = Wq, Wk, Wv

    def forward(self, X):
        self.X = X
        self.Q, self.K, self.V = X @ self.Wq, X @ self.Wk, X @ self.Wv
        S = self.Q @ self.K.T / np.sqrt(self.Q.shape[-1])
        E = np.exp(S - S.max(-1, keepdims=True))
        self.A = E / E.sum(-1, keepdims=True)
        return self.A @ self.V

    def backward(self, X, dO):
        self.forward(X)
        dA = dO @ self.V.T
        dS = self.A * (dA - np.sum(self.A * dA, -1, keepdims=True))
        dWq = self.X.T @ (dS @ self.K)
        dWk = self.X.T @ (dS.T @ self.Q)
        dWv = self.X.T @ (self.A.T @ dO)
        return dWq, dWk, dWv
