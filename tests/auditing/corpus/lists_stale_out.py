from math import exp


def train_once(x, t, w_hidden, w_out, rate):
    h = []
    for j in range(len(w_out)):
        s = 0.0
        for i in range(len(x)):
            s += x[i] * w_hidden[i][j]
        h.append(1.0 / (1.0 + exp(-s)))
    s = 0.0
    for j in range(len(w_out)):
        s += h[j] * w_out[j]
    o = 1.0 / (1.0 + exp(-s))

    d = (t - o) * o * (1.0 - o)
    old = list(w_out)
    for j in range(len(w_out)):
        w_out[j] += rate * d * h[j]
    for j in range(len(w_out)):
        dj = d * w_out[j] * h[j] * (1.0 - h[j])
        for i in range(len(x)):
            w_hidden[i][j] += rate * dj * x[i]
    return w_hidden, w_out
