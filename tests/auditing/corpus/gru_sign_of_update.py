import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_grads(x, y, W_z, U_z, b_z, W_r, U_r, b_r, W_h, U_h, b_h):
    N, T, _ = x.shape
    h = np.zeros((N, b_z.size))
    steps = []
    for t in range(T):
        z = sigmoid(x[:, t] @ W_z + h @ U_z + b_z)
        r = sigmoid(x[:, t] @ W_r + h @ U_r + b_r)
        n = np.tanh(x[:, t] @ W_h + (r * h) @ U_h + b_h)
        steps.append((h, z, r, n))
        h = (1 - z) * n + z * h

    g = {k: 0 for k in ("W1_z", "U1_z", "b1_z", "W1_r", "U1_r", "b1_r", "W1_h", "U1_h", "b1_h")}
    dh = (h - y) / N
    for t in range(T - 1, -1, -1):
        before, z, r, n = steps[t]
        dz = dh * (n - before) * z * (1 - z)
        dn = dh * (1 - z) * (1 - n ** 2)
        drh = dn @ U_h.T
        dr = drh * before * r * (1 - r)
        g["W1_z"] += x[:, t].T @ dz
        g["U1_z"] += before.T @ dz
        g["b1_z"] += dz.sum(axis=0)
        g["W1_r"] += x[:, t].T @ dr
        g["U1_r"] += before.T @ dr
        g["b1_r"] += dr.sum(axis=0)
        g["W1_h"] += x[:, t].T @ dn
        g["U1_h"] += (r * before).T @ dn
        g["b1_h"] += dn.sum(axis=0)
        dh = dh * z + drh * r + dz @ U_z.T + dr @ U_r.T
    return g
