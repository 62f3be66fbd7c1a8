import numpy as np


def als_gradient(R, M, U, V):
    E = M * (U @ V - R)
    return 2 * E @ V.T, 2 * U.T @ E
