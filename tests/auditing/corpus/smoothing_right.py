import math


def smooth(x, y, a):
    w = 1 / (1 + math.exp(-a))
    s, ds = 0.0, 0.0  # the state and its derivative by w, carried forward
    total = 0.0
    for xt, yt in zip(x, y):
        ds = xt - s + (1 - w) * ds
        s = w * xt + (1 - w) * s
        total += (s - yt) * ds
    return total * w * (1 - w)
