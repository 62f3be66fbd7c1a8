import numpy as np


def gradients(users, items, ratings, P, Q, reg=0.05):
    gP = 2 * reg * P
    gQ = 2 * reg * Q
    for u, i, r in zip(users, items, ratings):
        e = r - P[u] @ Q[i]
        gP[u] -= e * Q[i]
        gQ[i] -= e * P[u]
    return gP, gQ
