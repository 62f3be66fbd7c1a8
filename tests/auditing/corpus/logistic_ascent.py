import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logistic_gradient(X, y, w, b):
    # gradient of the negative log likelihood, averaged
    h = sigmoid(X @ w + b)
    grad_w = X.T @ (y - h) / y.size
    grad_b = (y - h).sum() / y.size
    return grad_w, grad_b
