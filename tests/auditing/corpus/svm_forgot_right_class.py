import numpy as np


def svm_gradient(W, X, y, reg=0.05):
    rows = np.arange(X.shape[0])
    scores = X @ W
    margins = scores - scores[rows, y][:, None] + 1.0
    margins[rows, y] = 0

    mask = np.zeros_like(margins)
    mask[margins > 0] = 1
    mask[rows, y] = 0
    dW = X.T @ mask / len(rows)
    dW += 2 * reg * W
    return dW
