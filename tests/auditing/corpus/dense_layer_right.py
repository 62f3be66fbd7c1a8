import numpy as np


class Dense:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        self.out = np.tanh(np.matmul(x, self.W) + self.b)
        return self.out

    def backward(self, x, dout):
        self.forward(x)
        dz = dout * (1 - self.out ** 2)
        self.dW = np.matmul(self.x.T, dz)
        self.db = np.sum(dz, axis=0)
        dx = np.matmul(dz, self.W.T)
        return dx, self.dW, self.db
