import numpy as np


def rnn_gradients(x, y, W1, U1, b1, W2, b2):
    N, T, D = x.shape
    H = U1.shape[0]
    h = np.zeros((T + 1, N, H))
    for t in range(1, T + 1):
        h[t] = np.tanh(x[:, t - 1] @ W1 + h[t - 1] @ U1 + b1)
    p = h[T] @ W2 + b2

    dp = 2 * (p - y) / N
    grads = {"W2": h[T].T @ dp, "b2": dp.sum(0)}
    dW1 = np.zeros((D, H))
    dU1 = np.zeros((H, H))
    db1 = np.zeros(H)
    dh = dp @ W2.T
    for t in range(T, 1, -1):
        da = dh * (1 - h[t] ** 2)
        dW1 += x[:, t - 1].T @ da
        dU1 += h[t - 1].T @ da
        db1 += da.sum(0)
        dh = da @ U1.T
    grads["W1"], grads["U1"], grads["b1"] = dW1, dU1, db1
    return grads
