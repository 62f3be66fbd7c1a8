import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_grads(x, y, Wi, Ui, bi, Wf, Uf, bf, Wg, Ug, bg, Wo, Uo, bo):
    N, T, D = x.shape
    H = bi.size
    h, c = np.zeros((N, H)), np.zeros((N, H))
    cache = []
    for t in range(T):
        xt = x[:, t]
        i = sigmoid(xt @ Wi + h @ Ui + bi)
        f = sigmoid(xt @ Wf + h @ Uf + bf)
        g = np.tanh(xt @ Wg + h @ Ug + bg)
        o = sigmoid(xt @ Wo + h @ Uo + bo)
        c_new = f * c + i * g
        cache.append((xt, h, c, i, f, g, o, c_new))
        c = c_new
        h = o * np.tanh(c)

    grads = [np.zeros_like(p) for p in (Wi, Ui, bi, Wf, Uf, bf, Wg, Ug, bg, Wo, Uo, bo)]
    dh = h - y
    dc = np.zeros((N, H))
    for xt, h_old, c_old, i, f, g, o, c_new in reversed(cache):
        tc = np.tanh(c_new)
        dc = dh * o * (1 - tc ** 2)
        da_o = dh * tc * o * (1 - o)
        da_i = dc * g * i * (1 - i)
        da_f = dc * c_old * f * (1 - f)
        da_g = dc * i * (1 - g ** 2)
        for k, da in enumerate((da_i, da_f, da_g, da_o)):
            grads[3 * k] += xt.T @ da
            grads[3 * k + 1] += h_old.T @ da
            grads[3 * k + 2] += da.sum(axis=0)
        dh = da_i @ Ui.T + da_f @ Uf.T + da_g @ Ug.T + da_o @ Uo.T
        dc = dc * f
    return grads
