"""A pole is balanced by trial and error

No one says which push is right; there is only a reward of 1 for every step that the
pole stands. The actor's loss is made so that its gradient is the policy gradient: the
score of what was tried, times how much better that went than the critic expected
(Williams, 1992; Sutton et al., 2000). The advantage is an input, so nothing flows back
through it; a little entropy keeps the actor curious. Cart and pole are those of Barto,
Sutton and Anderson (1983), with at most 200 steps an episode. After 80 batches of 16
episodes, the likeliest pushes hold the pole for 200 of 200 steps in all of 100 held-out
episodes.

Written by symbackprop from the spec actor_critic (a6ecb895df516d3c).
Call init_params, then forward, actor_and_grads, critic_and_grads, actor_sgd_step,
critic_sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "observation": ("N", 4),
    "action": ("N",),
    "advantage": ("N",),
    "returns": ("N",),
    "W1": (4, 64),
    "b1": (64,),
    "W2": (64, 2),
    "b2": (2,),
    "W3": (4, 64),
    "b3": (64,),
    "W4": (64, 1),
    "b4": (1,),
    "policy": ("N", 2),
    "value": ("N",),
}

_PARAMETERS = [
    "W1",
    "b1",
    "W2",
    "b2",
    "W3",
    "b3",
    "W4",
    "b4",
]
_KINDS = {
    "action": "iu",
}
_CLASSES = {
    "action": 2,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W1": _glorot_uniform(rng, (4, 64), dtype),
        "b1": np.zeros((64,), dtype),
        "W2": _glorot_uniform(rng, (64, 2), dtype),
        "b2": np.zeros((2,), dtype),
        "W3": _glorot_uniform(rng, (4, 64), dtype),
        "b3": np.zeros((64,), dtype),
        "W4": _glorot_uniform(rng, (64, 1), dtype),
        "b4": np.zeros((1,), dtype),
    }


class Workspace:
    """Every buffer of a step, for given run-time extents; the next step uses them again.

    A buffer is written anew once what it held is read no more, so several tensors
    may share one.
    """

    def __init__(self, *, N, dtype=np.float32):
        self._extents = {"N": N}
        _check_extents(self._extents)
        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.ones_2 = np.ones(2, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 2)
        self.ones_N = np.ones(N, dtype)
        self.ones_1 = np.ones(1, dtype)
        self.z1 = _aligned((N, 64), dtype)
        self.z2 = np.empty((N, 2), dtype)
        self.largest_4 = np.empty((N,), dtype)
        self.p = np.empty((N, 2), dtype)
        self.policy = np.empty((N, 2), dtype)
        self.add_11 = np.empty((N,), np.intp)
        self.dpolicy = np.empty((N, 2), dtype)
        self.entropy = np.empty((N,), dtype)
        self.dW2 = np.empty((64, 2), dtype)
        self.db2 = np.empty((2,), dtype)
        self.dh = _aligned((N, 64), dtype)
        self.dW1 = np.empty((4, 64), dtype)
        self.db1 = np.empty((64,), dtype)
        self.v = np.empty((N, 1), dtype)
        self.total_29 = np.empty((64,), dtype)
        self.dW4_2 = np.empty((64, 1), dtype)
        self.db4_2 = np.empty((1,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, observation, workspace=None, training=False):
    """Return policy, value, by name."""
    work = _prepare(params, {"observation": observation}, workspace)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * observation[n, i])
    z1 = observation.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    exp_4 = np.exp(subtract_4, out=work.dpolicy)
    total_4 = exp_4.dot(work.ones_2, out=work.largest_4)

    # (5) logp[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    logp = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) policy[n, k] = exp(logp[n, k])
    policy = np.exp(logp, dtype=float, out=logp)

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * observation[n, i])
    z3 = observation.dot(W3, out=work.z1)
    np.add(z3, b3, out=z3)

    # (8) g[n, j] = tanh(z3[n, j])
    g = np.tanh(z3, out=z3)

    # (9) v[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    v = g.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (10) value[n] = v[n, 0]: a view of v

    return {
        "policy": policy,
        "value": v[:, 0],
    }


def actor(params, *, observation, action, advantage, workspace=None, training=True):
    """Return the loss."""
    given = {"observation": observation, "action": action, "advantage": advantage}
    work = _prepare(params, given, workspace)
    N = work.N
    action = np.asarray(action, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * observation[n, i])
    z1 = observation.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    exp_4 = np.exp(subtract_4, out=work.dpolicy)
    total_4 = exp_4.dot(work.ones_2, out=work.largest_4)

    # (5) logp[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    logp = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) policy[n, k] = exp(logp[n, k])
    policy = np.exp(logp, out=work.policy)

    # (11) tried[n] = logp[n, action[n]]
    add_11 = np.add(work.fixed_N, action, out=work.add_11)
    tried = logp.take(add_11, out=work.largest_4, mode="clip")

    # (12) entropy[n] = -sum[a](logp[n, a] * policy[n, a])
    entropy = np.einsum("...i,...i->...", logp, policy, out=work.entropy)
    np.negative(entropy, out=entropy)

    # (13) actor = -sum[n](advantage[n] * tried[n]) / N - sum[n](entropy[n]) / (100 * N)
    product_13 = float(advantage.dot(tried))
    divide_13 = product_13 / N
    total_13 = float(np.add.reduce(entropy, axis=None))
    divide_13_2 = total_13 / N
    divide_13_3 = divide_13_2 / 100
    add_13 = divide_13_3 + divide_13
    actor = -add_13

    return actor


def actor_and_grads(
    params, *, observation, action, advantage, workspace=None, training=True
):
    """Return the loss and its gradients by W1, b1, W2, b2."""
    given = {"observation": observation, "action": action, "advantage": advantage}
    work = _prepare(params, given, workspace)
    N = work.N
    action = np.asarray(action, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * observation[n, i])
    z1 = observation.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    p = np.exp(subtract_4, out=work.p)
    total_4 = p.dot(work.ones_2, out=work.largest_4)
    p /= total_4[:, None]

    # (5) logp[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    logp = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) policy[n, k] = exp(logp[n, k])
    policy = np.exp(logp, dtype=float, out=work.policy)

    # (11) tried[n] = logp[n, action[n]]
    add_11 = np.add(work.fixed_N, action, out=work.add_11)
    tried = logp.take(add_11, out=work.largest_4, mode="clip")

    # (16) dpolicy, the part that is known already
    dpolicy = np.divide(logp, 100 * N, out=work.dpolicy)

    # (17) dlogp, the part that is known already
    dlogp = np.add(dpolicy, 1 / (100 * N), out=dpolicy)
    dlogp *= policy

    # (12) entropy[n] = -sum[a](logp[n, a] * policy[n, a])
    entropy = np.einsum("...i,...i->...", logp, policy, out=work.entropy)
    np.negative(entropy, out=entropy)

    # (13) actor = -sum[n](advantage[n] * tried[n]) / N - sum[n](entropy[n]) / (100 * N)
    product_13 = float(advantage.dot(tried))
    divide_13 = product_13 / N
    total_13 = float(np.add.reduce(entropy, axis=None))
    divide_13_2 = total_13 / N
    divide_13_3 = divide_13_2 / 100
    add_13 = divide_13_3 + divide_13
    actor = -add_13

    # (15) dtried[n] = -advantage[n] / N
    dtried = np.divide(advantage, -N, out=work.entropy)

    # (17) dlogp[n, k] = (1 / (100 * N) + dpolicy[n, k]) * policy[n, k] + dtried[n] * [k
    #     = action[n]]
    take_17 = dlogp.take(add_11, out=work.largest_4, mode="clip")
    take_17 += dtried
    dlogp.put(add_11, take_17)

    # (18) dz2[n, j] = dlogp[n, j] - p[n, j] * sum[k](dlogp[n, k])
    total_18 = dlogp.dot(work.ones_2, out=work.largest_4)
    dz2 = np.multiply(p, total_18[:, None], out=p)
    np.subtract(dlogp, dz2, out=dz2)

    # (19) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (20) db2[j] = sum[n](dz2[n, j])
    db2 = work.ones_N.dot(dz2, out=work.db2)

    # (21) dh[n, i] = sum[j](W2[i, j] * dz2[n, j])
    dh = dz2.dot(W2.T, out=work.dh)

    # (22) dz1[n, j] = (1 - h[n, j]**2) * dh[n, j]
    dz1 = np.multiply(h, h, out=h)
    np.subtract(1.0, dz1, out=dz1)
    dz1 *= dh

    # (23) dW1[i, j] = sum[n](dz1[n, j] * observation[n, i])
    dW1 = observation.T.dot(dz1, out=work.dW1)

    # (24) db1[j] = sum[n](dz1[n, j])
    db1 = work.ones_N.dot(dz1, out=work.db1)

    return actor, {
        "W1": dW1,
        "b1": db1,
        "W2": dW2,
        "b2": db2,
    }


def actor_sgd_step(
    params, *, observation, action, advantage, rate, workspace=None, training=True
):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"observation": observation, "action": action, "advantage": advantage}
    work = _prepare(params, given, workspace)
    rate = _checked_rate(rate, params, work, ["W1", "b1", "W2", "b2"])
    N = work.N
    action = np.asarray(action, dtype=np.intp)
    W1 = params["W1"]
    b1 = params["b1"]
    W2 = params["W2"]
    b2 = params["b2"]

    # (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * observation[n, i])
    z1 = observation.dot(W1, out=work.z1)
    np.add(z1, b1, out=z1)

    # (2) h[n, j] = tanh(z1[n, j])
    h = np.tanh(z1, out=z1)

    # (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
    z2 = h.dot(W2, out=work.z2)
    np.add(z2, b2, out=z2)

    # (4) p[n, j] = exp(z2[n, j] - logsumexp[j1](z2[n, j1]))
    largest_4 = np.maximum.reduce(z2, axis=1, out=work.largest_4)
    subtract_4 = np.subtract(z2, largest_4[:, None], out=z2)
    p = np.exp(subtract_4, out=work.p)
    total_4 = p.dot(work.ones_2, out=work.largest_4)
    p /= total_4[:, None]

    # (5) logp[n, k] = z2[n, k] - logsumexp[j](z2[n, j])
    log_5 = np.log(total_4, out=total_4)
    logp = np.subtract(subtract_4, log_5[:, None], out=subtract_4)

    # (6) policy[n, k] = exp(logp[n, k])
    policy = np.exp(logp, dtype=float, out=work.policy)

    # (11) tried[n] = logp[n, action[n]]
    add_11 = np.add(work.fixed_N, action, out=work.add_11)
    tried = logp.take(add_11, out=work.largest_4, mode="clip")

    # (12) entropy[n] = -sum[a](logp[n, a] * policy[n, a])
    entropy = np.einsum("...i,...i->...", logp, policy, out=work.entropy)
    np.negative(entropy, out=entropy)

    # (13) actor = -sum[n](advantage[n] * tried[n]) / N - sum[n](entropy[n]) / (100 * N)
    product_13 = float(advantage.dot(tried))
    divide_13 = product_13 / N
    total_13 = float(np.add.reduce(entropy, axis=None))
    divide_13_2 = total_13 / N
    divide_13_3 = divide_13_2 / 100
    add_13 = divide_13_3 + divide_13
    actor = -add_13

    # (15) dtried[n] = -advantage[n] / N, times rate
    divide_15 = rate / (-N)
    dtried = np.multiply(advantage, divide_15, out=work.entropy)

    # (16) dpolicy[n, a] = logp[n, a] / (100 * N), times rate
    divide_16 = rate / (100 * N)
    dpolicy = np.multiply(logp, divide_16, out=logp)

    # (17) dlogp[n, k] = (1 / (100 * N) + dpolicy[n, k]) * policy[n, k] + dtried[n] * [k
    #     = action[n]], times rate
    multiply_17 = rate * (1 / (100 * N))
    dlogp = np.add(dpolicy, multiply_17, out=dpolicy)
    dlogp *= policy
    take_17 = dlogp.take(add_11, out=work.largest_4, mode="clip")
    take_17 += dtried
    dlogp.put(add_11, take_17)

    # (18) dz2[n, j] = dlogp[n, j] - p[n, j] * sum[k](dlogp[n, k]), times rate
    total_18 = dlogp.dot(work.ones_2, out=work.largest_4)
    dz2 = np.multiply(p, total_18[:, None], out=p)
    np.subtract(dlogp, dz2, out=dz2)

    # (19) dW2[i, j] = sum[n](dz2[n, j] * h[n, i]), times rate
    dW2 = h.T.dot(dz2, out=work.dW2)

    # (20) db2[j] = sum[n](dz2[n, j]), times rate
    db2 = work.ones_N.dot(dz2, out=work.db2)
    b2 -= db2

    # (21) dh[n, i] = sum[j](W2[i, j] * dz2[n, j]), times rate
    dh = dz2.dot(W2.T, out=work.dh)

    # (19) W2 -= rate * dW2
    W2 -= dW2

    # (22) dz1[n, j] = (1 - h[n, j]**2) * dh[n, j], times rate
    dz1 = np.multiply(h, h, out=h)
    np.subtract(1.0, dz1, out=dz1)
    dz1 *= dh

    # (23) dW1[i, j] = sum[n](dz1[n, j] * observation[n, i]), times rate
    dW1 = observation.T.dot(dz1, out=work.dW1)
    W1 -= dW1

    # (24) db1[j] = sum[n](dz1[n, j]), times rate
    db1 = work.ones_N.dot(dz1, out=work.db1)
    b1 -= db1

    return actor


def critic(params, *, observation, returns, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"observation": observation, "returns": returns}, workspace)
    N = work.N
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * observation[n, i])
    z3 = observation.dot(W3, out=work.dh)
    np.add(z3, b3, out=z3)

    # (8) g[n, j] = tanh(z3[n, j])
    g = np.tanh(z3, out=z3)

    # (9) v[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    v = g.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (10) value[n] = v[n, 0]: a view of v

    # (14) critic = sum[n]((value[n] - returns[n])**2) / N
    subtract_14 = np.subtract(v[:, 0], returns, out=work.entropy)
    product_14 = float(subtract_14.dot(subtract_14))
    critic = product_14 / N

    return critic


def critic_and_grads(params, *, observation, returns, workspace=None, training=True):
    """Return the loss and its gradients by W3, b3, W4, b4."""
    work = _prepare(params, {"observation": observation, "returns": returns}, workspace)
    N = work.N
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * observation[n, i])
    z3 = observation.dot(W3, out=work.dh)
    np.add(z3, b3, out=z3)

    # (8) g[n, j] = tanh(z3[n, j])
    g = np.tanh(z3, out=z3)

    # (9) v[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    v = g.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (10) value[n] = v[n, 0]: a view of v

    # (14) critic = sum[n]((value[n] - returns[n])**2) / N
    subtract_14 = np.subtract(v[:, 0], returns, out=work.entropy)
    product_14 = float(subtract_14.dot(subtract_14))
    critic = product_14 / N

    # (25) dvalue[n] = 2 * (value[n] - returns[n]) / N
    dvalue = np.multiply(subtract_14, 2 / N, out=subtract_14)

    # (26) dv[n, i] = dvalue[n]: the array dvalue

    # (27) dW4[i, j] = sum[n](dv[n, j] * g[n, i])
    dW4 = dvalue.dot(g, out=work.db1)

    # (28) db4[j] = sum[n](dv[n, j])
    db4 = float(np.add.reduce(dvalue, axis=None))

    # (29) dg[n, i] = sum[j](W4[i, j] * dv[n, j])
    total_29 = W4.dot(work.ones_1, out=work.total_29)
    dg = np.multiply(total_29, dvalue[:, None], out=work.z1)

    # (30) dz3[n, j] = (1 - g[n, j]**2) * dg[n, j]
    dz3 = np.multiply(g, g, out=g)
    np.subtract(1.0, dz3, out=dz3)
    dz3 *= dg

    # (31) dW3[i, j] = sum[n](dz3[n, j] * observation[n, i])
    dW3 = observation.T.dot(dz3, out=work.dW1)

    # (32) db3[j] = sum[n](dz3[n, j])
    db3 = work.ones_N.dot(dz3, out=work.total_29)

    # (27) dW4[i, j] = sum[n](dv[n, j] * g[n, i])
    dW4_2 = work.dW4_2
    np.copyto(dW4_2, dW4[:, None])

    # (28) db4[j] = sum[n](dv[n, j])
    db4_2 = work.db4_2
    np.copyto(db4_2, db4)

    return critic, {
        "W3": dW3,
        "b3": db3,
        "W4": dW4_2,
        "b4": db4_2,
    }


def critic_sgd_step(
    params, *, observation, returns, rate, workspace=None, training=True
):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"observation": observation, "returns": returns}, workspace)
    rate = _checked_rate(rate, params, work, ["W3", "b3", "W4", "b4"])
    N = work.N
    W3 = params["W3"]
    b3 = params["b3"]
    W4 = params["W4"]
    b4 = params["b4"]

    # (7) z3[n, j] = b3[j] + sum[i](W3[i, j] * observation[n, i])
    z3 = observation.dot(W3, out=work.dh)
    np.add(z3, b3, out=z3)

    # (8) g[n, j] = tanh(z3[n, j])
    g = np.tanh(z3, out=z3)

    # (9) v[n, j] = b4[j] + sum[i](W4[i, j] * g[n, i])
    v = g.dot(W4, out=work.v)
    np.add(v, b4, out=v)

    # (10) value[n] = v[n, 0]: a view of v

    # (14) critic = sum[n]((value[n] - returns[n])**2) / N
    subtract_14 = np.subtract(v[:, 0], returns, out=work.entropy)
    product_14 = float(subtract_14.dot(subtract_14))
    critic = product_14 / N

    # (25) dvalue[n] = 2 * (value[n] - returns[n]) / N, times rate
    multiply_25 = rate * (2 / N)
    dvalue = np.multiply(multiply_25, subtract_14, out=subtract_14)

    # (26) dv[n, i] = dvalue[n], times rate: the array dvalue

    # (27) dW4[i, j] = sum[n](dv[n, j] * g[n, i]), times rate
    dW4 = dvalue.dot(g, out=work.total_29)

    # (28) db4[j] = sum[n](dv[n, j]), times rate
    db4 = float(np.add.reduce(dvalue, axis=None))
    b4 -= db4

    # (29) dg[n, i] = sum[j](W4[i, j] * dv[n, j]), times rate
    total_29 = W4.dot(work.ones_1, out=work.db1)
    dg = np.multiply(total_29, dvalue[:, None], out=work.z1)

    # (27) W4 -= rate * dW4
    W4 -= dW4[:, None]

    # (30) dz3[n, j] = (1 - g[n, j]**2) * dg[n, j], times rate
    dz3 = np.multiply(g, g, out=g)
    np.subtract(1.0, dz3, out=dz3)
    dz3 *= dg

    # (31) dW3[i, j] = sum[n](dz3[n, j] * observation[n, i]), times rate
    dW3 = observation.T.dot(dz3, out=work.dW1)
    W3 -= dW3

    # (32) db3[j] = sum[n](dz3[n, j]), times rate
    db3 = work.ones_N.dot(dz3, out=work.total_29)
    b3 -= db3

    return critic


_LARGEST = float(np.finfo(float).max)


def _checked_rate(rate, params, work, names=None):
    """The rate of a step as a float; what it changes are writeable arrays, each once."""
    number = rate if isinstance(rate, float) else _number(rate)
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError(f"rate: {rate!r}, expected a finite number")
    stepped = params if names is None else {name: params[name] for name in names}
    for name, array in stepped.items():
        if not isinstance(array, np.ndarray) or not array.flags.writeable:
            _refuse_change(name, array)
    alike = work._alike
    if alike and len({id(params[name]) for name in alike}) < len(alike):
        _refuse_twins(stepped)
    return float(number)


def _number(rate):
    """A rate that is an integer, or of a type of NumPy's, as Python has it; else NaN."""
    if isinstance(rate, (np.integer, np.floating)):
        return float(rate)
    return rate if isinstance(rate, int) else np.nan


def _refuse_change(name, array):
    """Name a parameter that a step cannot change."""
    reason = "a read-only array, but a step changes it"
    if not isinstance(array, np.ndarray):
        expected = f"expected an array to change: pass np.array({name})"
        reason = f"{type(array).__name__}, {expected}"
    raise ValueError(f"{name}: {reason}")


def _alike(shapes):
    """The parameters that have their shape in common with others: two may be one array."""
    names = {}
    for name in _PARAMETERS:
        names.setdefault(shapes[name], []).append(name)
    return [name for each in names.values() if len(each) > 1 for name in each]


def _refuse_twins(stepped):
    """Name two parameters that are the same array."""
    seen = {}
    for name, array in stepped.items():
        twin = seen.setdefault(id(array), name)
        if twin != name:
            reason = "a step would change it twice: pass a copy"
            raise ValueError(f"{name}: the same array as {twin}, {reason}")


def _prepare(params, given, workspace):
    """Check every argument; return the workspace to use."""
    own = workspace is None or isinstance(workspace, Workspace)
    if not own:
        came = type(workspace).__name__
        raise ValueError(f"workspace: {came}, expected a Workspace of this module")
    if workspace is None or not _fits(params, given, workspace):
        extents, dtype = _check(params, given)
        if workspace is None:
            known = {name: extents.get(name, 1) for name in _EXTENTS}
            return Workspace(**known, dtype=dtype)
        _check_workspace(workspace, extents, dtype)
    for name in _CLASSES:
        if name in given:
            _check_classes(name, given[name], workspace._extents)
    return workspace


def _fits(params, given, workspace):
    """Whether all names, shapes and dtypes are those that the workspace was made for."""
    shapes, dtype = workspace._shapes, workspace._dtype
    try:
        if list(params) != _PARAMETERS:
            return False
        for name, array in params.items():
            if array.shape != shapes[name] or array.dtype is not dtype:
                return False
        for name, array in given.items():
            if array.shape != shapes[name]:
                return False
            if name in _KINDS:
                if array.dtype.kind not in _KINDS[name]:
                    return False
            elif array.dtype is not dtype:
                return False
    except (AttributeError, TypeError):  # no dict, or no arrays
        return False
    return True


def _check_workspace(workspace, extents, dtype):
    """Hold the extents and the dtype of the arrays against those of the workspace."""
    if workspace._dtype != dtype:
        raise ValueError(
            f"workspace: made for {workspace._dtype}, but params are {dtype}; "
            f"make one with Workspace(..., dtype=np.{dtype})"
        )
    for name, extent in extents.items():
        if workspace._extents[name] != extent:
            raise ValueError(
                f"workspace: made for {name} = {workspace._extents[name]}, but the "
                f"arrays have {name} = {extent}; make one with Workspace(..., "
                f"{name}={extent})"
            )


def _check_extents(extents):
    """Hold extents that were passed as numbers against the least that each may be."""
    for name, extent in extents.items():
        least = 1
        if not isinstance(extent, (int, np.integer)) or extent < least:
            expected = f"a whole number of at least {least}"
            raise ValueError(f"{name}: {extent!r}, expected {expected}")


def _check(params, given):
    """Hold all arrays against SHAPES; return the run-time extents and the dtype.

    Raises ValueError that names the argument, what came and what was expected.
    """
    if not hasattr(params, "keys"):
        raise ValueError(f"params: expected a dict, got {type(params).__name__}")
    if list(params) != _PARAMETERS and sorted(params) != sorted(_PARAMETERS):
        _refuse_names(params)
    extents = {}
    dtype = None
    for arrays in (params, given):
        for name, array in arrays.items():
            if getattr(array, "shape", None) != SHAPES[name]:
                _match(name, array, extents)
            if array.dtype is not dtype and name not in _KINDS:
                dtype = _check_dtype(name, array.dtype, dtype)
    extents = {name: extent for name, (extent, _) in extents.items()}
    for name, kinds in _KINDS.items():
        if name in given and given[name].dtype.kind not in kinds:
            _refuse_kind(name, given[name].dtype, kinds)
    for name in _CLASSES:
        if name in given:
            _check_classes(name, given[name], extents)
    return extents, dtype


def _match(name, array, extents):
    """Match a shape with run-time extents; `extents` learns each with its first bearer."""
    shape, expected = getattr(array, "shape", None), SHAPES[name]
    if shape is None:
        came = type(array).__name__
        raise ValueError(f"{name}: expected an array, got {came}: pass a NumPy array")
    if len(shape) != len(expected):
        raise ValueError(f"{name}: shape {shape}, expected {_written(expected)}")
    for came, extent in zip(shape, expected):
        if isinstance(extent, str):
            if not extent.isidentifier():
                continue
            known, bearer = extents.setdefault(extent, (came, name))
            least = 1
            if came == known and came >= least:
                continue
            if came == known:
                reason = f"{extent} = {came}: it must be at least {least}"
            else:
                reason = f"{extent} = {known} as in {bearer}"
            raise ValueError(
                f"{name}: shape {shape}, expected {_written(expected)} with {reason}"
            )
        if came != extent:
            raise ValueError(f"{name}: shape {shape}, expected {_written(expected)}")


def _written(shape):
    """A shape as text: run-time extents by name, without quotes."""
    return str(tuple(shape)).replace("'", "")


def _check_dtype(name, dtype, expected):
    """The one dtype of all real arrays: float32 or float64, as the first has it."""
    if dtype not in (np.float32, np.float64):
        expected = expected or "float32 or float64"
        raise ValueError(f"{name}: dtype {dtype}, expected {expected}")
    if expected is not None and dtype != expected:
        raise ValueError(
            f"{name}: dtype {dtype}, expected {expected} as in the arrays before it: "
            f"pass {name}.astype(np.{expected})"
        )
    return np.dtype(dtype.name)


def _refuse_kind(name, dtype, kinds):
    """Name the dtype that a mask, or an array of integers, ought to have."""
    expected = "bool: pass {}.astype(bool)"
    if kinds == "iu":
        expected = "integers: pass {}.astype(np.int64)"
    raise ValueError(f"{name}: dtype {dtype}, expected {expected.format(name)}")


def _check_classes(name, array, extents):
    """Labels from 0 to below the number of classes."""
    classes = _CLASSES[name]
    classes = extents.get(classes, classes)
    # argmin and argmax are quicker than min and max on arrays as short as a batch.
    if array.item(array.argmin()) >= 0 and array.item(array.argmax()) < classes:
        return
    place = np.argwhere((array < 0) | (array >= classes))[0].tolist()
    at = f"[{', '.join(map(str, place))}]" if place else ""
    came = array[tuple(place)]
    raise ValueError(f"{name}{at} is {came}, expected 0 to {classes - 1}")


def _refuse_names(params):
    """Name the first parameter that is missing, or that is none."""
    expected = ", ".join(_PARAMETERS)
    for name in _PARAMETERS:
        if name not in params:
            raise ValueError(f"params: {name!r} is missing, expected {expected}")
    extra = next(name for name in params if name not in _PARAMETERS)
    raise ValueError(f"params: {extra!r} is no parameter, expected {expected}")


def _glorot_uniform(rng, shape, dtype):
    """Uniform of variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""
    limit = (6 / sum(_fans(shape))) ** 0.5
    return np.asarray(rng.uniform(-limit, limit, shape), dtype)


def _fans(shape):
    """Fan in and fan out: the last two axes, each times the receptive field before."""
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    field = int(np.prod(shape[:-2]))
    return field * shape[-2], field * shape[-1]
