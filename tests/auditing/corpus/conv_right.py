import numpy as np


def conv_backward(img, target, K, W):
    N, H, width = img.shape
    k = K.shape[0]
    oh, ow = H - k + 1, width - k + 1

    z = np.zeros((N, oh, ow))
    for i in range(oh):
        for j in range(ow):
            z[:, i, j] = np.sum(img[:, i:i + k, j:j + k] * K, axis=(1, 2))
    a = np.maximum(z, 0)
    flat = a.reshape(N, -1)
    out = flat @ W

    dout = (out - target) / N
    dW = flat.T @ dout
    da = (dout @ W.T).reshape(a.shape)
    dz = da * (z > 0)
    dK = np.zeros_like(K)
    for i in range(oh):
        for j in range(ow):
            dK += np.sum(img[:, i:i + k, j:j + k] * dz[:, i, j][:, None, None], axis=0)
    return dK, dW
