import numpy as np


def block_grad(x, y, W1, W2):
    N = len(x)
    z = x @ W1
    h = np.maximum(z, 0)
    out = z + h @ W2
    dout = 2 * (out - y) / (N * y.shape[1])
    dW2 = h @ dout
    dz = dout + dout @ W2.T * (z > 0)
    dW1 = x.T @ dz
    return dW1, dW2
