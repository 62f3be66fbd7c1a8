import numpy as np

LAMBDA = 0.05


def gradients(users, items, ratings, P, Q):
    err = ratings - np.einsum("nf,nf->n", P[users], Q[items])
    dP = np.zeros_like(P)
    dQ = np.zeros_like(Q)
    np.add.at(dP, users, -err[:, None] * Q[items])
    np.add.at(dQ, items, err[:, None] * P[users])
    dP += LAMBDA * P
    dQ += 2 * LAMBDA * Q
    return dP, dQ
