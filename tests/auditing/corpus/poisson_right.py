import numpy as np


def poisson_step(X, counts, beta, b0, step_size=0.02):
    eta = X @ beta + b0
    mu = np.exp(eta)
    score_beta = ((counts - mu)[:, None] * X).mean(axis=0)
    score_b0 = np.mean(counts - mu)
    # climbs the likelihood
    beta = beta + step_size * score_beta
    b0 = b0 + step_size * score_b0
    return beta, b0
