import numpy as np


def dtanh(y):
    return 1 - y * y


def tanh_net(x, target, w_in, b_in, w_out, b_out, lr=0.01, decay=0.02):
    n = x.shape[0]
    pre = x @ w_in + b_in
    hid = np.tanh(pre)
    out = hid @ w_out + b_out
    err = (out - target) / n
    back = err @ w_out.T * dtanh(pre)
    w_out -= lr * (hid.T @ err + decay * w_out)
    b_out -= lr * err.sum(axis=0)
    w_in -= lr * (x.T @ back + decay * w_in)
    b_in -= lr * back.sum(axis=0)
    return w_in, b_in, w_out, b_out
