import math


def sig(x):
    return 1 / (1 + math.exp(-x))


def train_once(x, t, w_hidden, w_out, rate=0.5):
    # forward
    h = [0, 0]
    for j in range(2):
        net = 0
        for i in range(2):
            net += x[i] * w_hidden[i][j]
        h[j] = sig(net)
    o = sig(h[0] * w_out[0] + h[1] * w_out[1])

    # deltas
    delta_o = (o - t) * o * (1 - o)
    delta_h = [delta_o * w_out[j] * h[j] * (1 - h[j]) for j in range(2)]

    # new weights
    new_out = [w_out[j] - rate * delta_o * h[j] for j in range(2)]
    new_hidden = [[w_hidden[i][j] - rate * delta_h[j] * x[i] for j in range(2)] for i in range(2)]
    return new_hidden, new_out
