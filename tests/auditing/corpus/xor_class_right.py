import numpy as np


class TinyNet:
    """Two inputs, two hidden sigmoids, one output."""

    def __init__(self, w1, b1, w2, b2):
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2
        self.rate = 0.25

    def sigmoid(self, t):
        return 1 / (1 + np.exp(-t))

    def step(self, x, y):
        # forward pass
        hidden = self.sigmoid(np.dot(x, self.w1) + self.b1)
        output = self.sigmoid(np.dot(hidden, self.w2) + self.b2)
        # backward pass
        d2 = (output - y) * output * (1 - output) * 2.0 / x.shape[0]
        d1 = np.dot(d2, self.w2.T) * hidden * (1 - hidden)
        self.w2 -= self.rate * np.dot(hidden.T, d2)
        self.b2 -= self.rate * d2.sum(axis=0)
        self.w1 -= self.rate * np.dot(x.T, d1)
        self.b1 -= self.rate * d1.sum(axis=0)
        print("error:", np.mean((output - y) ** 2))
