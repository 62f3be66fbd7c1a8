import numpy as np


class Net:
    def __init__(self, W1, b1, W2, b2, W3, b3):
        self.p = {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}
        self.lam = 0.01

    def backward(self, X, y):
        p = self.p
        N = X.shape[0]
        z1 = np.dot(X, p["W1"]) + p["b1"]
        r1 = np.maximum(z1, 0)
        z2 = np.dot(r1, p["W2"]) + p["b2"]
        r2 = np.maximum(z2, 0)
        out = np.dot(r2, p["W3"]) + p["b3"]
        out = np.exp(out - np.max(out, axis=1, keepdims=True))
        out /= np.sum(out, axis=1, keepdims=True)

        g = {}
        d3 = out.copy()
        d3[np.arange(N), y] -= 1
        d3 /= N
        g["W3"] = np.dot(r2.T, d3) + self.lam * p["W3"]
        g["b3"] = np.sum(d3, axis=0)
        d2 = np.dot(d3, p["W3"].T) * (z2 > 0)
        g["W2"] = np.dot(d2.T, r1) + self.lam * p["W2"]
        g["b2"] = np.sum(d2, axis=0)
        d1 = np.dot(d2, p["W2"].T) * (z1 > 0)
        g["W1"] = np.dot(X.T, d1) + self.lam * p["W1"]
        g["b1"] = np.sum(d1, axis=0)
        return g
