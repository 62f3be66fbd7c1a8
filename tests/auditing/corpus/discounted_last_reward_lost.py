import numpy as np

GAMMA = 0.9


def gradient(r, v, w):
    T = len(r)
    g = np.zeros(T + 1)
    for t in reversed(range(T)):
        g[t] = w * r[t] + GAMMA * g[t + 1]
    dg = 2 * (g[:T] - v)
    carry = 0.0
    dw = 0.0
    for t in range(T - 1):
        carry = dg[t] + GAMMA * carry
        dw += carry * r[t]
    return dw
