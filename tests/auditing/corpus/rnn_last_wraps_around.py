import numpy as np


class RNN:
    def __init__(self, W1, U1, b1, W2, b2):
        self.W1, self.U1, self.b1, self.W2, self.b2 = W1, U1, b1, W2, b2

    def backward(self, x, y):
        N, T, _ = x.shape
        hs = np.zeros((T, N, len(self.b1)))
        prev = np.zeros((N, len(self.b1)))
        for t in range(T):
            hs[t] = np.tanh(x[:, t] @ self.W1 + prev @ self.U1 + self.b1)
            prev = hs[t]
        out = prev @ self.W2 + self.b2
        dout = 2.0 / N * (out - y)
        dW2, db2 = prev.T @ dout, dout.sum(axis=0)
        dW1 = np.zeros_like(self.W1)
        dU1 = np.zeros_like(self.U1)
        db1 = np.zeros_like(self.b1)
        dh = dout @ self.W2.T
        for t in reversed(range(T)):
            dz = dh * (1 - hs[t] ** 2)
            before = hs[t - 1]
            dW1 += x[:, t].T @ dz
            dU1 += before.T @ dz
            db1 += dz.sum(axis=0)
            dh = dz @ self.U1.T
        return dW1, dU1, db1, dW2, db2
