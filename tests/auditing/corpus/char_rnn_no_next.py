import numpy as np


def lossFun(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    T = len(inputs)
    V = Wxh.shape[1]
    x = np.eye(V)[inputs]
    h = np.zeros((T + 1, Whh.shape[0]))
    h[-1] = hprev
    p = np.zeros((T, V))
    for t in range(T):
        h[t] = np.tanh(Wxh @ x[t] + Whh @ h[t - 1] + bh)
        y = Why @ h[t] + by
        p[t] = np.exp(y) / np.exp(y).sum()

    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    for t in range(T - 1, -1, -1):
        dy = p[t] - x_row(V, targets[t])
        dWhy += np.outer(dy, h[t])
        dby += dy
        dh_next = Whh.T @ dz if t < T - 1 else 0
        dh = Why.T @ dy
        dz = dh * (1 - h[t] ** 2)
        dbh += dz
        dWxh += np.outer(dz, x[t])
        dWhh += np.outer(dz, h[t - 1])
    return dWxh, dWhh, dWhy, dbh, dby


def x_row(size, k):
    row = np.zeros(size)
    row[k] = 1
    return row
