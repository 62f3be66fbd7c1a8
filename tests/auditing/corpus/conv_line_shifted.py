import numpy as np


def gradient(x, y, k, c):
    T = len(x)
    n = T - 2
    s = np.array([k[0] * x[t] + k[1] * x[t + 1] + k[2] * x[t + 2] for t in range(n)])
    a = np.tanh(s + c)
    g = 2 * (np.mean(a) - y) / n
    dk = np.zeros(3)
    dc = 0.0
    for t in range(n):
        d = g * (1 - a[t] ** 2)
        dk[0] += d * x[t]
        dk[1] += d * x[t]
        dk[2] += d * x[t + 2]
        dc += d
    return dk, dc
