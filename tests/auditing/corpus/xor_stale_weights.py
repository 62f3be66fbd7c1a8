import numpy as np


class Network:
    def __init__(self, W1, b1, W2, b2, lr=0.5):
        self.W1 = W1
        self.b1 = b1
        self.W2 = W2
        self.b2 = b2
        self.lr = lr

    @staticmethod
    def act(z):
        return 1 / (1 + np.exp(-z))

    def forward(self, X):
        self.h = self.act(X @ self.W1 + self.b1)
        self.o = self.act(self.h @ self.W2 + self.b2)
        return self.o

    def train(self, X, y):
        n = len(X)
        o = self.forward(X)
        delta_o = (2 / n) * (o - y) * o * (1 - o)
        # output layer first
        self.W2 = self.W2 - self.lr * (self.h.T @ delta_o)
        self.b2 = self.b2 - self.lr * delta_o.sum(axis=0)
        # then the hidden one
        delta_h = (delta_o @ self.W2.T) * self.h * (1 - self.h)
        self.W1 = self.W1 - self.lr * (X.T @ delta_h)
        self.b1 = self.b1 - self.lr * delta_h.sum(axis=0)
