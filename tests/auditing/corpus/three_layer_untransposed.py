import numpy as np


def affine(x, w, b):
    return x.dot(w) + b


def grads(X, y, W1, b1, W2, b2, W3, b3):
    N, reg = X.shape[0], 0.01
    h1 = np.maximum(affine(X, W1, b1), 0)
    h2 = np.maximum(affine(h1, W2, b2), 0)
    scores = affine(h2, W3, b3)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dscores = np.exp(log_probs)
    dscores[np.arange(N), y] -= 1.0
    dscores /= N

    dh2 = dscores.dot(W3.T) * (h2 > 0)
    dh1 = dh2.dot(W2) * (h1 > 0)
    dW3 = h2.T.dot(dscores) + reg * W3
    dW2 = h1.T.dot(dh2) + reg * W2
    dW1 = X.T.dot(dh1) + reg * W1
    return dW1, dh1.sum(axis=0), dW2, dh2.sum(axis=0), dW3, dscores.sum(axis=0)
