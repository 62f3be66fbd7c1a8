import numpy as np


class MF:
    def __init__(self, P, Q, alpha=0.02, beta=0.1):
        self.P = P
        self.Q = Q
        self.alpha = alpha
        self.beta = beta


def epoch(users, items, ratings, P, Q):
    mf = MF(P, Q)
    e = ratings - (mf.P[users] * mf.Q[items]).sum(axis=1)
    gP = mf.beta * mf.P
    np.subtract.at(gP, users, e[:, None] * mf.Q[items])
    mf.P = mf.P - mf.alpha * gP
    gQ = mf.beta * mf.Q
    np.subtract.at(gQ, items, e[:, None] * mf.P[users])
    mf.Q = mf.Q - mf.alpha * gQ
    return mf.P, mf.Q
