import numpy as np


class TiedAutoencoder(object):
    def __init__(self, W, b, c):
        self.W, self.b, self.c = W, b, c

    def sigma(self, a):
        return 1.0 / (1.0 + np.exp(-a))

    def encode(self, x):
        return self.sigma(x.dot(self.W) + self.b)

    def decode(self, h):
        return self.sigma(h.dot(self.W.T) + self.c)

    def grads(self, x):
        n = x.shape[0]
        h = self.encode(x)
        r = self.decode(h)
        dr = (r - x) * r * (1 - r) / n
        dh = dr.dot(self.W) * h * (1 - h)
        # W is used twice: once upright, once turned round
        dW = x.T.dot(dh) + dr.T.dot(h)
        return {"W": dW, "b": dh.sum(axis=0), "c": dr.sum(axis=0)}
