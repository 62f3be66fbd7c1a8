import numpy as np

lr = 0.05
wd = 0.02
W1 = np.random.randn(3, 4)
b1 = np.zeros(4)
W2 = np.random.randn(4, 2)
b2 = np.zeros(2)
h = np.zeros((1, 4))


def forward(x):
    global h
    h = np.tanh(x @ W1 + b1)
    return h @ W2 + b2


def update(x, t):
    global W1, b1, W2, b2
    out = forward(x)
    d = (out - t) / len(x)
    old = W2
    W2 = W2 - lr * (h.T @ d + wd * W2)
    b2 = b2 - lr * d.sum(axis=0)
    dh = (d @ W2.T) * (1 - h ** 2)
    W1 = W1 - lr * (x.T @ dh + wd * W1)
    b1 = b1 - lr * dh.sum(axis=0)
