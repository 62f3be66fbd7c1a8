import numpy as np


def gradient(r, v, w):
    T = len(r)
    raw = np.zeros(T)
    later = 0.0
    for t in range(T - 1, -1, -1):
        later = r[t] + 0.9 * later
        raw[t] = later
    # the returns are linear in w
    return np.sum(2 * (w * raw - v) * raw)
