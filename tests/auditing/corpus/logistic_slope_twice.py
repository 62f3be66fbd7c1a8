import numpy as np


def logistic_gradient(weights, bias, features, labels):
    z = np.dot(features, weights) + bias
    pred = 1 / (1 + np.exp(-z))
    n = len(labels)
    # d loss / d pred, then d pred / d z
    dz = (pred - labels) * pred * (1 - pred)
    return features.T.dot(dz) / n, dz.sum() / n
