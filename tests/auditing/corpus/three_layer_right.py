import numpy as np


class Model:
    weight_decay = 0.01

    def __init__(self, weights, biases):
        self.weights = weights  # a list, one a layer
        self.biases = biases

    def forward(self, X):
        activations = [X]
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            activations.append(np.maximum(activations[-1] @ W + b, 0.0))
        scores = activations[-1] @ self.weights[-1] + self.biases[-1]
        return activations, scores

    def gradient(self, X, y):
        activations, scores = self.forward(X)
        e = np.exp(scores - scores.max(axis=1)[:, None])
        delta = e / e.sum(axis=1)[:, None]
        delta[np.arange(len(y)), y] -= 1
        delta = delta / len(y)

        dW = [None] * len(self.weights)
        db = [None] * len(self.biases)
        for layer in reversed(range(len(self.weights))):
            dW[layer] = activations[layer].T @ delta + self.weight_decay * self.weights[layer]
            db[layer] = delta.sum(axis=0)
            if layer > 0:
                delta = (delta @ self.weights[layer].T) * (activations[layer] > 0)
        return dW, db
