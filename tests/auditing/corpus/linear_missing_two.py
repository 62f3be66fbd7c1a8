import numpy as np


class LinearRegression:
    def __init__(self, w, b, lr=0.01):
        self.w = w
        self.b = b
        self.lr = lr

    def predict(self, X):
        return X @ self.w + self.b

    def fit_one(self, X, y):
        n_samples = X.shape[0]
        y_pred = self.predict(X)
        # gradients of the MSE
        dw = (1 / n_samples) * X.T @ (y_pred - y)
        db = (2 / n_samples) * np.sum(y_pred - y)
        self.w = self.w - self.lr * dw
        self.b = self.b - self.lr * db
