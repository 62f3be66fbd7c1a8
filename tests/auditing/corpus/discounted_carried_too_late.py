import numpy as np


def gradient(r, v, w, gamma=0.9):
    g = np.zeros(len(r) + 1)
    for t in range(len(r) - 1, -1, -1):
        g[t] = r[t] * w + gamma * g[t + 1]
    residual = 2 * (g[:-1] - v)
    dg = 0.0
    dw = 0.0
    for t in range(len(r)):
        dw += (residual[t] + dg) * r[t]
        dg = gamma * dg + residual[t]
    return dw
