import numpy as np

REG = 0.01


def relu(x):
    return x * (x > 0)


def backprop(X, y, W1, b1, W2, b2, W3, b3):
    n = X.shape[0]
    # forward
    z1 = X @ W1 + b1
    a1 = relu(z1)
    z2 = a1 @ W2 + b2
    a2 = relu(z2)
    z3 = a2 @ W3 + b3
    ez = np.exp(z3 - np.max(z3, axis=1, keepdims=True))
    probs = ez / np.sum(ez, axis=1, keepdims=True)

    # backward
    dz3 = probs
    dz3[range(n), y] -= 1
    dz3 /= n
    dW3 = a2.T @ dz3 + REG * W3
    db3 = np.sum(dz3, axis=0)

    dz2 = (dz3 @ W3.T) * (z2 > 0)
    dW2 = a1.T @ dz2 + REG * W2
    db2 = np.sum(dz2, axis=0)

    dz1 = (dz2 @ W1.T) * (z1 > 0)
    dW1 = X.T @ dz1 + REG * W1
    db1 = np.sum(dz1, axis=0)

    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
