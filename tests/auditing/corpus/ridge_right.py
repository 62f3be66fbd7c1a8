import numpy as np


def ridge_gradient(theta, X, y, lam):
    X, y, theta = np.matrix(X), np.matrix(y), np.matrix(theta)
    residual = X * theta - y
    return X.T * residual + lam * theta
