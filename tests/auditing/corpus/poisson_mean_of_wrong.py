import numpy as np


def poisson_grad(beta, b0, X, counts):
    n = X.shape[0]
    eta = X.dot(beta) + b0
    rate = np.exp(eta)
    grad = X.T.dot(eta - counts) / n
    return grad, (rate - counts).mean()
