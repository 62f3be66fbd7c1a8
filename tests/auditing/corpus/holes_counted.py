import numpy as np


def gradient(R, M, U, V):
    approx = np.dot(U, V)
    diff = approx - R
    known = diff * M
    grad_U = 2 * np.dot(diff, V.T)
    grad_V = 2 * np.dot(U.T, known)
    return grad_U, grad_V
