import numpy as np


def rnn_gradients(x, y, W, U, b, V, c):
    N, T, _ = x.shape
    h = [np.zeros((N, U.shape[0]))]
    for t in range(T):
        h.append(np.tanh(x[:, t] @ W + h[-1] @ U + b))
    pred = h[-1] @ V + c

    dpred = 2 * (pred - y) / N
    dV = h[-1].T @ dpred
    dc = dpred.sum(axis=0)
    dh = dpred @ V.T
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    for t in range(T, 0, -1):
        da = dh * (1 - h[t] ** 2)
        dW += x[:, t - 1].T @ da
        dU += h[t - 1].T @ da
        db += da.sum(axis=0)
        dh = da @ U.T
    return dW, dU, db, dV, dc
