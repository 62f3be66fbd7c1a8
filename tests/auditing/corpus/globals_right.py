import numpy as np

rng = np.random.RandomState(0)
W1 = rng.randn(3, 4) * 0.1
b1 = np.zeros((1, 4))
W2 = rng.randn(4, 2) * 0.1
b2 = np.zeros((1, 2))
rate = 0.05
decay = 0.02


def update(x, t):
    global W1, b1, W2, b2
    n = len(x)
    h = np.tanh(x @ W1 + b1)
    d = (h @ W2 + b2 - t) / n
    dh = d @ W2.T * (1 - h ** 2)
    W2 = W2 - rate * (h.T @ d + decay * W2)
    b2 = b2 - rate * d.sum(axis=0, keepdims=True)
    W1 = W1 - rate * (x.T @ dh + decay * W1)
    b1 = b1 - rate * dh.sum(axis=0, keepdims=True)
