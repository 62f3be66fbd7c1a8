import numpy as np


def softmax_loss(W, X, y, reg=0.05):
    num_train = X.shape[0]
    scores = X.dot(W)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=0, keepdims=True)
    correct = probs[np.arange(num_train), y]
    loss = -np.log(correct).mean() + reg * np.sum(W ** 2)

    dscores = probs
    dscores[np.arange(num_train), y] -= 1
    dscores /= num_train
    dW = X.T.dot(dscores) + 2 * reg * W
    return loss, dW
