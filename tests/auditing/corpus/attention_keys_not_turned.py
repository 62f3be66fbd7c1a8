import numpy as np


def attention_backward(X, dO, Wq, Wk, Wv):
    d_k = Wk.shape[1]
    Q = X.dot(Wq)
    K = X.dot(Wk)
    V = X.dot(Wv)
    scores = Q.dot(K.T) / np.sqrt(d_k)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    dV = weights.T.dot(dO)
    dweights = dO.dot(V.T)
    dscores = np.zeros_like(scores)
    for t in range(len(X)):
        jacobian = np.diag(weights[t]) - np.outer(weights[t], weights[t])
        dscores[t] = jacobian.dot(dweights[t])
    dscores /= np.sqrt(d_k)
    dQ = dscores.dot(K)
    dK = dscores.dot(Q)
    return X.T.dot(dQ), X.T.dot(dK), X.T.dot(dV)
