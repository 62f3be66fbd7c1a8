import numpy as np


def softmax_loss_naive(W, X, y, reg=0.05):
    loss = 0.0
    dW = np.zeros(W.shape)
    N, C = X.shape[0], W.shape[1]
    for i in range(N):
        scores = X[i].dot(W)
        top = max(scores)
        log_norm = top + np.log(sum(np.exp(s - top) for s in scores))
        loss += log_norm - scores[y[i]]
        for c in range(C):
            p = np.exp(scores[c] - log_norm)
            dW[:, c] += (p - (c == y[i])) * X[i]
    loss = loss / N + reg * np.sum(W * W)
    dW = dW / N + 2 * reg * W
    return loss, dW
