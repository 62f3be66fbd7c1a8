import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def backprop(x, y, W1, b1, W2, b2):
    zs = []
    activations = [x]
    for W, b in ((W1, b1), (W2, b2)):
        zs.append(W @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))

    delta2 = (activations[2] - y) * activations[2] * (1 - activations[2])
    delta1 = W2.T @ delta2 * sigmoid(activations[1]) * (1 - sigmoid(activations[1]))
    return {
        "W1": delta1 @ x.T,
        "b1": delta1,
        "W2": delta2 @ activations[1].T,
        "b2": delta2,
    }
