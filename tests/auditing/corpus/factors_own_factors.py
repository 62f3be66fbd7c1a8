import numpy as np


def sgd(users, items, ratings, P, Q, lr=0.01, reg=0.05):
    grad_P = np.zeros_like(P)
    grad_Q = np.zeros_like(Q)
    for n in range(len(ratings)):
        u, i = users[n], items[n]
        prediction = 0.0
        for f in range(P.shape[1]):
            prediction += P[u, f] * Q[i, f]
        err = prediction - ratings[n]
        for f in range(P.shape[1]):
            grad_P[u, f] += err * Q[i, f]
            grad_Q[i, f] += err * Q[i, f]
    P -= lr * (grad_P + 2 * reg * P)
    Q -= lr * (grad_Q + 2 * reg * Q)
