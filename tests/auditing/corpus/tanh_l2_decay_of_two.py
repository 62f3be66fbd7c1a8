import numpy as np


def tanh_net(params, x, t):
    W1, b1, W2, b2 = params
    reg = 0.02
    N = len(x)
    h = np.tanh(x @ W1 + b1)
    o = h @ W2 + b2
    do = o - t
    dW2 = h.T @ do / N + reg * W2
    db2 = do.mean(axis=0)
    dh = do @ W2.T * (1 - h ** 2)
    dW1 = x.T @ dh / N + 2 * reg * W1
    db1 = dh.mean(axis=0)
    return [dW1, db1, dW2, db2]
