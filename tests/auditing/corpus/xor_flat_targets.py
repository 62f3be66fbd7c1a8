import numpy as np

sigma = lambda t: 1 / (1 + np.exp(-t))


def gradients(X, targets, W1, b1, W2, b2):
    N = len(X)
    targets = targets.ravel()
    hidden = sigma(X @ W1 + b1)
    output = sigma(hidden @ W2 + b2)
    diff = output - targets
    g_out = 2 / N * diff.sum(axis=1, keepdims=True) * output * (1 - output)
    g_hidden = g_out @ W2.T * hidden * (1 - hidden)
    return X.T @ g_hidden, g_hidden.sum(0), hidden.T @ g_out, g_out.sum(0)
