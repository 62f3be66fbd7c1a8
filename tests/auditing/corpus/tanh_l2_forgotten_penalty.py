import numpy as np


def tanh_net(x, t, W1, b1, W2, b2):
    alpha = 0.02
    N = x.shape[0]
    z = np.dot(x, W1) + b1
    h = np.tanh(z)
    out = np.dot(h, W2) + b2
    diff = out - t
    cost = (diff ** 2).sum() / (2 * N) + alpha / 2 * ((W1 ** 2).sum() + (W2 ** 2).sum())

    d_out = diff / N
    grad_W2 = np.dot(h.T, d_out) + alpha * W2
    grad_b2 = d_out.sum(axis=0)
    d_h = np.dot(d_out, W2.T) * (1 - h ** 2)
    grad_W1 = np.dot(x.T, d_h)
    grad_b1 = d_h.sum(axis=0)
    return cost, grad_W1, grad_b1, grad_W2, grad_b2
