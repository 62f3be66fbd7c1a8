import numpy as np


def backward(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    h = {-1: hprev}
    p = {}
    for t, i in enumerate(inputs):
        h[t] = np.tanh(Wxh[:, i] + Whh @ h[t - 1] + bh)
        s = Why @ h[t] + by
        p[t] = np.exp(s) / np.sum(np.exp(s))
    gWxh = np.zeros_like(Wxh)
    gWhh = np.zeros_like(Whh)
    gWhy = np.zeros_like(Why)
    gbh = np.zeros_like(bh)
    gby = np.zeros_like(by)
    carry = np.zeros_like(hprev)
    for t in reversed(range(len(inputs))):
        ds = p[t]
        ds[targets[t]] -= 1
        gWhy += np.outer(ds, h[t])
        gby += ds
        da = (Why.T @ ds + carry) * (1 - h[t] ** 2)
        gWxh[:, inputs[t]] += da
        gWhh += np.outer(da, h[t])
        gbh += da
        carry = Whh.T @ da
    return gWxh, gWhh, gWhy, gbh, gby
