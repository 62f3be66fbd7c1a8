import numpy as np


def correlate(image, kernel):
    kh, kw = kernel.shape
    rows = image.shape[0] - kh + 1
    cols = image.shape[1] - kw + 1
    out = np.empty((rows, cols))
    for r in range(rows):
        for c in range(cols):
            out[r, c] = np.sum(image[r:r + kh, c:c + kw] * kernel)
    return out


def backward(img, target, K, W):
    n = img.shape[0]
    dK = np.zeros(K.shape)
    dW = np.zeros(W.shape)
    for s in range(n):
        z = correlate(img[s], K)
        a = np.maximum(z, 0).ravel()
        delta = (a @ W - target[s]) / n
        dW += np.outer(a, delta)
        dz = (W @ delta).reshape(z.shape)
        dz[z < 0] = 0
        dK += correlate(img[s], dz)[::-1, ::-1]
    return {"K": dK, "W": dW}
