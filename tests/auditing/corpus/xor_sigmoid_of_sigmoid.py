import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x):
    return sigmoid(x) * (1 - sigmoid(x))


def train_step(X, y, W1, b1, W2, b2, learning_rate):
    z1 = X.dot(W1) + b1
    a1 = sigmoid(z1)
    z2 = a1.dot(W2) + b2
    a2 = sigmoid(z2)

    m = X.shape[0]
    delta2 = 2 / m * (a2 - y) * sigmoid_prime(z2)
    delta1 = delta2.dot(W2.T) * sigmoid_prime(a1)

    W2 -= learning_rate * a1.T.dot(delta2)
    b2 -= learning_rate * delta2.sum(axis=0)
    W1 -= learning_rate * X.T.dot(delta1)
    b1 -= learning_rate * delta1.sum(axis=0)
