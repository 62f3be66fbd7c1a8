import numpy as np


def svm_loss_vectorized(W, X, y, reg=0.05):
    N = X.shape[0]
    scores = X @ W
    right = scores[np.arange(N), y][:, np.newaxis]
    margins = np.maximum(0, scores - right + 1)
    margins[np.arange(N), y] = 0
    loss = margins.sum() / N + reg * np.sum(W * W)

    coeff = (margins > 0).astype(float)
    coeff[np.arange(N), y] = -coeff.sum(axis=1)
    dW = X.T @ coeff / N + 2 * reg * W
    return loss, dW
