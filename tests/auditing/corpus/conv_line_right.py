import numpy as np


def step(x, y, k, c, lr=0.1):
    s = np.convolve(x, k[::-1], mode="valid")
    a = np.tanh(s + c)
    p = a.mean()
    ds = 2 * (p - y) * (1 - a ** 2) / len(a)
    dk = np.array([np.dot(ds, x[j:j + len(a)]) for j in range(3)])
    dc = ds.sum()
    return k - lr * dk, c - lr * dc
