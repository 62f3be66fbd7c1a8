import numpy as np


def lossFun(params, inputs, targets, hprev):
    Wxh, Whh, Why, bh, by = params["Wxh"], params["Whh"], params["Why"], params["bh"], params["by"]
    hs = [hprev]
    probs = []
    for i in inputs:
        h = np.tanh(Wxh[:, i] + np.dot(Whh, hs[-1]) + bh)
        o = np.dot(Why, h) + by
        e = np.exp(o - o.max())
        probs.append(e / e.sum())
        hs.append(h)

    grads = {k: np.zeros_like(w) for k, w in params.items()}
    dh_next = np.zeros_like(hprev)
    for t in range(len(inputs))[::-1]:
        do = probs[t].copy()
        do[targets[t]] -= 1
        grads["Why"] += np.outer(do, hs[t + 1])
        grads["by"] += do
        dh = np.dot(Why.T, do) + dh_next
        dz = dh * (1 - hs[t + 1] ** 2)
        grads["bh"] += dz
        grads["Wxh"][:, inputs[t]] += dz
        grads["Whh"] += np.outer(dz, hs[t])
        dh_next = np.dot(Whh, dz)
    return grads
