import numpy as np


def tanh_net(x, t, W1, b1, W2, b2, decay=0.02):
    n = len(x)
    h = np.tanh(x @ W1 + b1)
    y = h @ W2 + b2
    J = 0.5 * np.sum((y - t) ** 2) / n + 0.5 * decay * (np.sum(W1 ** 2) + np.sum(W2 ** 2))

    dy = (y - t) / n
    dW2 = np.einsum("ni,nj->ij", h, dy) + decay * W2
    db2 = np.einsum("nj->j", dy)
    da = np.einsum("nj,ij->ni", dy, W2) * (1 - h ** 2)
    dW1 = np.einsum("nd,ni->di", x, da) + decay * W1
    db1 = np.einsum("ni->i", da)
    return J, (dW1, db1, dW2, db2)
