import numpy as np


def ridge_gradient(theta, X, y, lam=0.1):
    """X is n by d, theta d by 1, y n by 1."""
    prediction = X @ theta
    error = y - prediction
    grad = -X.T @ error - lam * theta
    return grad
