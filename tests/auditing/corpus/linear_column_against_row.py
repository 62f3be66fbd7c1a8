import numpy as np


def mse_gradient(X, y, w, b):
    n = X.shape[0]
    w = w.reshape(-1, 1)
    pred = X.dot(w) + b
    residual = pred - y
    grad_w = 2 * X.T.dot(residual).mean(axis=1) / n
    grad_b = 2 * residual.mean()
    return grad_w, grad_b
