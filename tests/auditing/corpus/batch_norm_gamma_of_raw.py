import numpy as np


class BatchNorm:
    def __init__(self, gamma, beta):
        self.gamma = gamma
        self.beta = beta
        self.eps = 1e-5

    def forward(self, x):
        self.mean = x.mean(axis=0)
        self.std = np.sqrt(x.var(axis=0) + self.eps)
        self.x = x
        self.normed = (x - self.mean) / self.std
        return self.gamma * self.normed + self.beta

    def backward(self, x, dout):
        self.forward(x)
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (dout * self.x).sum(axis=0)
        dn = dout * self.gamma
        dx = (dn - dn.mean(axis=0) - self.normed * (dn * self.normed).mean(axis=0)) / self.std
        return dx, self.dgamma, self.dbeta
