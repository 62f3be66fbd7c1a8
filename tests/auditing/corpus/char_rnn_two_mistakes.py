import numpy as np


def bptt(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    T = len(inputs)
    s = np.zeros((T + 1, len(bh)))
    s[T] = hprev  # so that s[-1] is the state before the first
    o = np.zeros((T, len(by)))
    for t in range(T):
        s[t] = np.tanh(Wxh[:, inputs[t]] + Whh.dot(s[t - 1]) + bh)
        z = Why.dot(s[t]) + by
        o[t] = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    dWxh, dWhh, dWhy = np.zeros(Wxh.shape), np.zeros(Whh.shape), np.zeros(Why.shape)
    dbh, dby = np.zeros(bh.shape), np.zeros(by.shape)
    delta_o = o
    delta_o[np.arange(T), targets] -= 1
    dnext = np.zeros(len(bh))
    for t in np.arange(T)[::-1]:
        dWhy += np.outer(delta_o[t], s[t])
        dby += delta_o[t] / T
        delta_t = Why.T.dot(delta_o[t]) + dnext
        dWxh[:, inputs[t]] += delta_t
        dWhh += np.outer(delta_t, s[t - 1])
        dbh += delta_t
        dnext = Whh.T.dot(delta_t)
    return dWxh, dWhh, dWhy, dbh, dby
