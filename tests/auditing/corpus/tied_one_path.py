import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def autoencoder_gradient(x, W, b, c):
    batch = x.shape[0]
    hidden = sigmoid(x @ W + b)
    recon = sigmoid(hidden @ W.T + c)
    delta_out = (recon - x) * recon * (1 - recon) / batch
    delta_hid = (delta_out @ W) * hidden * (1 - hidden)
    dW = x.T @ delta_hid
    db = delta_hid.sum(axis=0)
    dc = delta_out.sum(axis=0)
    return dW, db, dc
