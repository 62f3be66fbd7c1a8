import numpy as np


class NeuralNet:
    """X (examples, features), Y one-hot."""

    eta = 0.01

    def __init__(self, w_h, b_h, w_out, b_out):
        self.w_h = w_h
        self.b_h = b_h
        self.w_out = w_out
        self.b_out = b_out

    def _forward(self, X):
        z_h = np.dot(X, self.w_h) + self.b_h
        a_h = 1.0 / (1.0 + np.exp(-np.clip(z_h, -250, 250)))
        z_out = np.dot(a_h, self.w_out) + self.b_out
        z_out = z_out - z_out.max(axis=1, keepdims=True)
        log_p = z_out - np.log(np.exp(z_out).sum(axis=1, keepdims=True))
        return a_h, log_p

    def partial_fit(self, X, Y):
        a_h, log_p = self._forward(X)
        delta_out = np.exp(log_p) - Y
        delta_h = np.dot(delta_out, self.w_out.T) * a_h * (1.0 - a_h)

        self.w_h -= self.eta * np.dot(X.T, delta_h)
        self.b_h -= self.eta * np.sum(delta_h, axis=0)
        self.w_out -= self.eta * np.dot(a_h.T, delta_out)
        self.b_out -= self.eta * np.sum(delta_out, axis=0)
        return self
