import numpy as np


def conv_gradient(img, target, K, W):
    N, H, Wd = img.shape
    kh, kw = K.shape
    windows = {}
    z = np.zeros((N, H - kh + 1, Wd - kw + 1))
    for p in range(kh):
        for q in range(kw):
            windows[p, q] = img[:, p:p + z.shape[1], q:q + z.shape[2]]
            z += K[p, q] * windows[p, q]
    a = z * (z > 0)
    out = a.reshape(N, -1) @ W
    d = (out - target) / N
    dW = a.reshape(N, -1).T @ d
    dz = (d @ W.T).reshape(z.shape) * (z > 0)
    dK = np.zeros_like(K)
    for p in range(kh - 1):
        for q in range(kw):
            dK[p, q] = np.sum(windows[p, q] * dz)
    return dK, dW
