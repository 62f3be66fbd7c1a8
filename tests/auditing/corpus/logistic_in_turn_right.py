import numpy as np

eta = 0.3

def epoch(data, labels, weights, bias):
    total_w = np.zeros_like(weights)
    total_b = 0.0
    for sample, label in zip(data, labels):
        activation = bias
        for j, feature in enumerate(sample):
            activation = activation + weights[j] * feature
        out = 1 / (1 + np.exp(-activation))
        err = label - out
        for j, feature in enumerate(sample):
            total_w[j] += err * feature
        total_b += err
    new_weights = weights + eta * total_w / len(data)
    new_bias = bias + eta * total_b / len(data)
    return new_weights, new_bias
