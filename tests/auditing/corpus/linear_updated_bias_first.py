import numpy as np


def predict(X, w, b):
    return np.dot(X, w) + b


def fit(X, y, w, b, alpha=0.1):
    m = len(y)
    residual = predict(X, w, b) - y
    b = b - alpha * 2 * residual.mean()
    gradient = 2 / m * X.T.dot(predict(X, w, b) - y)
    w = w - alpha * gradient
    return w, b
