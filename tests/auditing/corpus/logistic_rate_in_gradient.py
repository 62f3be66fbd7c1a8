import numpy as np


class Logit:
    learning_rate = 0.05

    def __init__(self, w, b):
        self.w, self.b = w, b

    def gradients(self, X, y):
        m = X.shape[0]
        z = X.dot(self.w) + self.b
        yhat = 1.0 / (1.0 + np.exp(-z))
        error = yhat - y
        dw = self.learning_rate * X.T.dot(error) / m
        db = error.sum() / m
        return {"w": dw, "b": db}
