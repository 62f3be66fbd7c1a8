import numpy as np
from math import tanh

LAMBDA = 0.02


def gradient(x, t, W1, b1, W2, b2):
    D, H = W1.shape
    K = W2.shape[1]
    N = len(x)
    gW1, gb1 = np.zeros((D, H)), np.zeros(H)
    gW2, gb2 = np.zeros((H, K)), np.zeros(K)
    for n in range(N):
        h = [tanh(sum(x[n][i] * W1[i][j] for i in range(D)) + b1[j]) for j in range(H)]
        o = [sum(h[j] * W2[j][k] for j in range(H)) + b2[k] for k in range(K)]
        e = [(o[k] - t[n][k]) / N for k in range(K)]
        for k in range(K):
            gb2[k] += e[k]
            for j in range(H):
                gW2[j][k] += h[j] * e[k]
        for j in range(H):
            s = 0.0
            for k in range(K):
                s += e[k] * W2[j][k]
            s *= 1 - h[j] * h[j]
            gb1[j] += s
            for i in range(D):
                gW1[i][j] += s * x[n][i]
    for i in range(D):
        for j in range(H):
            gW1[i][j] += LAMBDA * W1[i][j]
    for j in range(H):
        for k in range(K):
            gW2[j][k] += LAMBDA * W2[j][k]
    return gW1, gb1, gW2, gb2
