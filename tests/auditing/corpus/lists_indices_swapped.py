import math


def sig(x):
    return 1 / (1 + math.exp(-x))


def train_once(x, t, w_hidden, w_out, rate=0.5):
    h = [sig(x[0] * w_hidden[0][j] + x[1] * w_hidden[1][j]) for j in range(2)]
    o = sig(h[0] * w_out[0] + h[1] * w_out[1])

    delta_o = (o - t) * o * (1 - o)
    delta_h = [delta_o * w_out[j] * h[j] * (1 - h[j]) for j in range(2)]

    for j in range(2):
        w_out[j] -= rate * delta_o * h[j]
    for i in range(2):
        for j in range(2):
            w_hidden[i][j] -= rate * delta_h[i] * x[j]
    return w_hidden, w_out
