"""Where words begin and end, by a chain of tags

Blanks and capitals are taken from the sonnets; each letter's tag says whether it begins
a word, is inside it, ends it, or is one. A tag depends on the tag before, so whole
chains are scored, and the likelihood divides by the sum over all chains: a recurrence.
Its derivative by a score is the probability of that tag, and the derived backward
recurrence is the forward-backward algorithm, which nobody has written in (Lafferty,
McCallum and Pereira 2001). Without the transitions, tags alone reach 2% less.

Written by symbackprop from the spec chain_tagger (b711fb3004cc7c9e).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "letters": ("N", "T"),
    "tags": ("N", "T"),
    "transition": (4, 4),
    "E1": (26, 16),
    "W2": (9, 16, 64),
    "b2": (64,),
    "W3": (64, 4),
    "b3": (4,),
    "p": ("N", "T", 4),
}

_PARAMETERS = [
    "transition",
    "E1",
    "W2",
    "b2",
    "W3",
    "b3",
]
_KINDS = {
    "letters": "iu",
    "tags": "iu",
}
_CLASSES = {
    "letters": 26,
    "tags": 4,
}
_EXTENTS = [
    "N",
    "T",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "transition": np.zeros((4, 4), dtype),
        "E1": _normal(rng, (26, 16), 0.05, dtype),
        "W2": _glorot_uniform(rng, (9, 16, 64), dtype),
        "b2": np.zeros((64,), dtype),
        "W3": _glorot_uniform(rng, (64, 4), dtype),
        "b3": np.zeros((4,), dtype),
    }


class Workspace:
    """Every buffer of a step, for given run-time extents; the next step uses them again.

    A buffer is written anew once what it held is read no more, so several tensors
    may share one.
    """

    def __init__(self, *, N, T, dtype=np.float32):
        self._extents = {"N": N, "T": T}
        _check_extents(self._extents)
        self._dtype = _check_dtype("dtype", np.dtype(dtype), None)
        self._shapes = {
            name: tuple(self._extents.get(extent, extent) for extent in shape)
            for name, shape in SHAPES.items()
        }
        self.N = N
        self.T = T
        self.ones_4 = np.ones(4, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 4 * T)
        self.range_T = np.arange(T)
        self.fixed_T = np.multiply(self.range_T, 4)
        self.fixed_N_2 = np.add(self.fixed_N[:, None], self.fixed_T)
        self.ones_T = np.ones(T, dtype)
        self.fixed_T_2 = np.subtract(self.range_T, 1)
        self.fixed_T_3 = np.greater(self.range_T, 0.0)
        self.fixed_T_4 = np.multiply(self.range_T, 4 * N)
        self.fixed_N_3 = np.multiply(self.range_N, 4)
        self.fixed_N_4 = np.add(self.fixed_T_4, self.fixed_N_3[:, None])
        self.ones_N_T = np.ones(N * T, dtype)
        self.range_208 = np.arange(208)
        self.e = _aligned((N, T, 16), dtype)
        self.x_pad2 = _aligned((N, T + 8, 16), dtype)
        self.part_3 = _aligned((7, T, 9, 16), dtype)
        self.z2 = _aligned((N, T, 64), dtype)
        self.s = _aligned((N, T, 4), dtype)
        self.zeros_6 = np.empty((N, 4), dtype)
        self.z_f = _aligned((T, N, 4, 4), dtype)
        self.f = _aligned((T, N, 4), dtype)
        self.largest_7 = np.empty((N, 4), dtype)
        self.subtract_7 = _aligned((N, 4, 4), dtype)
        self.total_7 = np.empty((N, 4), dtype)
        self.largest_8 = _aligned((T, N, 4), dtype)
        self.p1 = _aligned((T, N, 4, 4), dtype)
        self.largest_11 = np.empty((N,), dtype)
        self.total_11 = np.empty((N,), dtype)
        self.add_13 = np.empty((N, T), np.intp)
        self.take_13 = _aligned((N, T), dtype)
        self.multiply_13 = np.empty((N, T - 1), np.intp)
        self.take_13_2 = _aligned((N, T - 1), dtype)
        self.steps = _aligned((N, T), dtype)
        self.dtransition = np.empty((4, 4), dtype)
        self.copy_20 = np.empty((N, T), np.bool_)
        self.real_20 = _aligned((N * T,), dtype)
        self.total_20 = np.empty((4, 4), dtype)
        self.copy_22 = _aligned((N * T, 4), dtype)
        self.part_22 = _aligned((N, 64, 4), dtype)
        self.dW3 = np.empty((64, 4), dtype)
        self.db3 = np.empty((4,), dtype)
        self.dc = _aligned((T, N, 64), dtype)
        self.mask_25 = np.empty((N, T, 64), np.bool_)
        self.part_26_2 = _aligned((9, 16, 64), dtype)
        self.dW2 = _aligned((9, 16, 64), dtype)
        self.db2 = np.empty((64,), dtype)
        self.part_28 = _aligned((16, T, 16), dtype)
        self.copy_28 = _aligned((9, 64, 16), dtype)
        self.dE1 = np.empty((26, 16), dtype)
        self.copy_30 = _aligned((N * T, 16), dtype)
        self.places_30 = np.empty((N * T, 8), np.intp)
        self.add_15 = _aligned((T, N, 4), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, letters, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"letters": letters}, workspace)
    N = work.N
    T = work.T
    letters = np.asarray(letters, dtype=np.intp)
    transition = params["transition"]
    E1 = params["E1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[letters[n, t], d]
    e = E1.take(letters, axis=0, out=work.e, mode="clip")

    # (2) x_pad2[n, t, c] = [t >= 4 and t < T + 4] * e[n, t - 4, c]
    x_pad2 = work.x_pad2
    x_pad2.fill(0.0)
    x_pad2[:, 4 : T + 4] = e

    # (3) z2[n, t, o] = b2[o] + sum[p, c](W2[p, c, o] * x_pad2[n, p + t, c])
    part_3 = work.part_3
    z2 = work.z2
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_3[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144),
            W2.reshape(144, 64),
            out=z2[start : start + 7].reshape(-1, 64),
        )
    np.add(z2, b2, out=z2)

    # (4) c[n, t, o] = relu(z2[n, t, o])
    c = np.maximum(z2, 0.0, out=z2)

    # (5) s[n, t, j] = b3[j] + sum[i](W3[i, j] * c[n, t, i])
    s = work.s
    np.matmul(c.reshape(N, T, 64), W3, out=s.reshape(N, T, 4))
    np.add(s, b3, out=s)

    # (6) z_f, apart from other steps
    zeros_6 = work.zeros_6
    zeros_6.fill(0.0)

    f = work.f

    for t in range(T):
        # (6) z_f[n, t, k, j] = transition[j, k] + [t >= 1] * f[n, t - 1, j]
        f_before = f[t - 1] if t >= 1 else zeros_6
        z_f_t = np.add(f_before[:, None], transition.T, out=work.subtract_7)

        # (7) f[n, t, k] = s[n, t, k] + [t > 0] * logsumexp[j](z_f[n, t, k, j])
        largest_7 = np.maximum.reduce(z_f_t, axis=2, out=work.largest_7)
        subtract_7 = np.subtract(z_f_t, largest_7[:, :, None], out=z_f_t)
        np.exp(subtract_7, out=subtract_7)
        total_7 = np.matmul(subtract_7, work.ones_4, out=work.total_7)
        np.log(total_7, out=total_7)
        total_7 += largest_7
        if t < 1:
            total_7 = work.total_7
            total_7.fill(0.0)
        np.add(total_7, s[:, t], out=f[t])

    g = work.largest_8

    for t in reversed(range(T)):
        # (9) z_g[n, t, k, j] = transition[k, j] + [t < T - 1] * g[n, t + 1, j]
        g_after = g[t + 1] if t < T - 1 else zeros_6
        z_g_t = np.add(g_after[:, None], transition, out=work.subtract_7)

        # (10) g[n, t, k] = s[n, t, k] + [t < T - 1] * logsumexp[j](z_g[n, t, k, j])
        largest_10 = np.maximum.reduce(z_g_t, axis=2, out=work.total_7)
        subtract_10 = np.subtract(z_g_t, largest_10[:, :, None], out=z_g_t)
        np.exp(subtract_10, out=subtract_10)
        total_10 = np.matmul(subtract_10, work.ones_4, out=work.largest_7)
        np.log(total_10, out=total_10)
        total_10 += largest_10
        if t >= T - 1:
            total_10 = work.largest_7
            total_10.fill(0.0)
        np.add(total_10, s[:, t], out=g[t])

    # (15) z_p1[n, t, j] = f[n, t, j] + g[n, t, j] - s[n, t, j]
    add_15 = np.add(g, f, out=work.add_15)
    z_p1 = np.subtract(add_15.transpose(1, 0, 2), s, out=s)

    # (16) p[n, t, k] = exp(z_p1[n, t, k] - logsumexp[j](z_p1[n, t, j]))
    largest_16 = _largest(z_p1, out=work.steps)
    p = np.subtract(z_p1, largest_16[:, :, None], out=z_p1)
    np.exp(p, out=p)
    total_16 = np.matmul(p, work.ones_4, out=work.steps)
    p /= total_16[:, :, None]

    return {
        "p": p,
    }


def loss(params, *, letters, tags, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"letters": letters, "tags": tags}, workspace)
    N = work.N
    T = work.T
    letters = np.asarray(letters, dtype=np.intp)
    tags = np.asarray(tags, dtype=np.intp)
    transition = params["transition"]
    E1 = params["E1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[letters[n, t], d]
    e = E1.take(letters, axis=0, out=work.e, mode="clip")

    # (2) x_pad2[n, t, c] = [t >= 4 and t < T + 4] * e[n, t - 4, c]
    x_pad2 = work.x_pad2
    x_pad2.fill(0.0)
    x_pad2[:, 4 : T + 4] = e

    # (3) z2[n, t, o] = b2[o] + sum[p, c](W2[p, c, o] * x_pad2[n, p + t, c])
    part_3 = work.part_3
    z2 = work.z2
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_3[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144),
            W2.reshape(144, 64),
            out=z2[start : start + 7].reshape(-1, 64),
        )
    np.add(z2, b2, out=z2)

    # (4) c[n, t, o] = relu(z2[n, t, o])
    c = np.maximum(z2, 0.0, out=z2)

    # (5) s[n, t, j] = b3[j] + sum[i](W3[i, j] * c[n, t, i])
    s = work.s
    np.matmul(c.reshape(N, T, 64), W3, out=s.reshape(N, T, 4))
    np.add(s, b3, out=s)

    # (6) z_f, apart from other steps
    zeros_6 = work.zeros_6
    zeros_6.fill(0.0)

    f = work.f

    for t in range(T):
        # (6) z_f[n, t, k, j] = transition[j, k] + [t >= 1] * f[n, t - 1, j]
        f_before = f[t - 1] if t >= 1 else zeros_6
        z_f_t = np.add(f_before[:, None], transition.T, out=work.subtract_7)

        # (7) f[n, t, k] = s[n, t, k] + [t > 0] * logsumexp[j](z_f[n, t, k, j])
        largest_7 = np.maximum.reduce(z_f_t, axis=2, out=work.largest_7)
        subtract_7 = np.subtract(z_f_t, largest_7[:, :, None], out=z_f_t)
        np.exp(subtract_7, out=subtract_7)
        total_7 = np.matmul(subtract_7, work.ones_4, out=work.total_7)
        np.log(total_7, out=total_7)
        total_7 += largest_7
        if t < 1:
            total_7 = work.total_7
            total_7.fill(0.0)
        np.add(total_7, s[:, t], out=f[t])

    # (11) p3[n, k] = exp(f[n, T - 1, k] - logsumexp[k1](f[n, T - 1, k1]))
    largest_11 = np.maximum.reduce(f[T - 1], axis=1, out=work.largest_11)
    subtract_11 = np.subtract(f[T - 1], largest_11[:, None], out=work.total_7)
    np.exp(subtract_11, out=subtract_11)
    total_11 = subtract_11.dot(work.ones_4, out=work.total_11)

    # (12) logZ[n] = logsumexp[k](f[n, T - 1, k])
    logZ = np.log(total_11, out=total_11)
    logZ += largest_11

    # (13) steps[n, t] = s[n, t, tags[n, t]] + [t > 0] * transition[tags[n, t - 1],
    #     tags[n, t]]
    add_13 = np.add(work.fixed_N_2, tags, out=work.add_13)
    take_13 = s.take(add_13, out=work.take_13, mode="clip")
    multiply_13 = np.multiply(tags[:, : T - 1], 4, out=work.multiply_13)
    np.add(multiply_13, tags[:, 1:], out=multiply_13)
    take_13_2 = transition.take(multiply_13, out=work.take_13_2, mode="clip")
    steps = work.steps
    steps[:, 0:1] = 0.0
    steps[:, 1:T] = take_13_2
    steps += take_13

    # (14) score[n] = sum[t](steps[n, t])
    score = steps.dot(work.ones_T, out=work.largest_11)

    # (17) loss = sum[n](logZ[n] - score[n]) / (N * T)
    subtract_17 = np.subtract(logZ, score, out=logZ)
    total_17 = float(np.add.reduce(subtract_17, axis=None))
    loss = total_17 / (N * T)

    return loss


def loss_and_grads(params, *, letters, tags, workspace=None, training=True):
    """Return the loss and its gradients by transition, E1, W2, b2, W3, b3."""
    work = _prepare(params, {"letters": letters, "tags": tags}, workspace)
    N = work.N
    T = work.T
    letters = np.asarray(letters, dtype=np.intp)
    tags = np.asarray(tags, dtype=np.intp)
    transition = params["transition"]
    E1 = params["E1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[letters[n, t], d]
    e = E1.take(letters, axis=0, out=work.e, mode="clip")

    # (2) x_pad2[n, t, c] = [t >= 4 and t < T + 4] * e[n, t - 4, c]
    x_pad2 = work.x_pad2
    x_pad2.fill(0.0)
    x_pad2[:, 4 : T + 4] = e

    # (3) z2[n, t, o] = b2[o] + sum[p, c](W2[p, c, o] * x_pad2[n, p + t, c])
    part_3 = work.part_3
    z2 = work.z2
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_3[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144),
            W2.reshape(144, 64),
            out=z2[start : start + 7].reshape(-1, 64),
        )
    np.add(z2, b2, out=z2)

    # (4) c[n, t, o] = relu(z2[n, t, o])
    c = np.maximum(z2, 0.0, out=z2)

    # (5) s[n, t, j] = b3[j] + sum[i](W3[i, j] * c[n, t, i])
    s = work.s
    np.matmul(c.reshape(N, T, 64), W3, out=s.reshape(N, T, 4))
    np.add(s, b3, out=s)

    # (6) z_f, apart from other steps
    zeros_6 = work.zeros_6
    zeros_6.fill(0.0)

    z_f = work.z_f
    f = work.f

    for t in range(T):
        # (6) z_f[n, t, k, j] = transition[j, k] + [t >= 1] * f[n, t - 1, j]
        f_before = f[t - 1] if t >= 1 else zeros_6
        z_f_t = np.add(f_before[:, None], transition.T, out=z_f[t])

        # (7) f[n, t, k] = s[n, t, k] + [t > 0] * logsumexp[j](z_f[n, t, k, j])
        largest_7 = np.maximum.reduce(z_f_t, axis=2, out=work.largest_7)
        subtract_7 = np.subtract(z_f_t, largest_7[:, :, None], out=work.subtract_7)
        np.exp(subtract_7, out=subtract_7)
        total_7 = np.matmul(subtract_7, work.ones_4, out=work.total_7)
        np.log(total_7, out=total_7)
        total_7 += largest_7
        if t < 1:
            total_7 = work.total_7
            total_7.fill(0.0)
        np.add(total_7, s[:, t], out=f[t])

    # (8) p1[n, t, k, j] = exp(z_f[n, t, k, j] - logsumexp[j1](z_f[n, t, k, j1]))
    largest_8 = np.maximum.reduce(z_f, axis=3, out=work.largest_8)
    p1 = np.subtract(z_f, largest_8[:, :, :, None], out=work.p1)
    np.exp(p1, out=p1)
    total_8 = np.matmul(p1, work.ones_4, out=work.largest_8)
    p1 /= total_8[:, :, :, None]

    # (11) p3[n, k] = exp(f[n, T - 1, k] - logsumexp[k1](f[n, T - 1, k1]))
    largest_11 = np.maximum.reduce(f[T - 1], axis=1, out=work.largest_11)
    p3 = np.subtract(f[T - 1], largest_11[:, None], out=work.total_7)
    np.exp(p3, out=p3)
    total_11 = p3.dot(work.ones_4, out=work.total_11)
    p3 /= total_11[:, None]

    # (12) logZ[n] = logsumexp[k](f[n, T - 1, k])
    logZ = np.log(total_11, out=total_11)
    logZ += largest_11

    # (13) steps[n, t] = s[n, t, tags[n, t]] + [t > 0] * transition[tags[n, t - 1],
    #     tags[n, t]]
    add_13 = np.add(work.fixed_N_2, tags, out=work.add_13)
    take_13 = s.take(add_13, out=work.take_13, mode="clip")
    multiply_13 = np.multiply(tags[:, : T - 1], 4, out=work.multiply_13)
    np.add(multiply_13, tags[:, 1:], out=multiply_13)
    take_13_2 = transition.take(multiply_13, out=work.take_13_2, mode="clip")
    steps = work.steps
    steps[:, 0:1] = 0.0
    steps[:, 1:T] = take_13_2
    steps += take_13

    # (14) score[n] = sum[t](steps[n, t])
    score = steps.dot(work.ones_T, out=work.largest_11)

    # (17) loss = sum[n](logZ[n] - score[n]) / (N * T)
    subtract_17 = np.subtract(logZ, score, out=logZ)
    total_17 = float(np.add.reduce(subtract_17, axis=None))
    loss = total_17 / (N * T)

    # (18) df, apart from other steps
    divide_18 = np.divide(p3, N * T, out=p3)

    df = work.f
    dz_f = work.z_f

    for t in reversed(range(T)):
        # (18) df[n, t, k] = p3[n, k] * [t = T - 1] / (N * T) + [t + 1 < T] *
        #     sum[k1](dz_f[n, t + 1, k1, k])
        chosen_18 = divide_18 if t == T - 1 else zeros_6
        if t < T - 1:
            total_18 = np.add.reduce(dz_f[t + 1], axis=1, out=work.largest_7)
        else:
            total_18 = work.largest_7
            total_18.fill(0.0)
        df_t = np.add(total_18, chosen_18, out=df[t])

        # (19) dz_f[n, t, k, j] = df[n, t, k] * p1[n, t, k, j] * [t > 0]
        multiply_19 = np.multiply(p1[t], df_t[:, :, None], out=work.subtract_7)
        if t >= 1:
            dz_f_t = dz_f[t]
            np.copyto(dz_f_t, multiply_19)
        else:
            dz_f_t = dz_f[t]
            dz_f_t.fill(0.0)

    # (20) dtransition[j, k] = sum[n, t](dz_f[n, t, k, j]) - sum[n, t]([t > 0] * [j =
    #     tags[n, t - 1]] * [k = tags[n, t]]) / (N * T)
    dtransition = work.dtransition
    dtransition.fill(0.0)
    take_20 = tags.take(work.fixed_T_2, axis=1, out=work.add_13, mode="clip")
    take_20 *= 4
    np.add(take_20, tags, out=take_20)
    copy_20 = work.copy_20
    np.copyto(copy_20, work.fixed_T_3)
    real_20 = work.real_20
    np.copyto(real_20, copy_20.reshape(N * T))
    np.add.at(dtransition.reshape(-1), take_20.reshape(N * T), real_20)
    dtransition /= N * T
    total_20 = np.add.reduce(dz_f, axis=(0, 1), out=work.total_20)
    np.subtract(total_20.T, dtransition, out=dtransition)

    # (21) ds[n, t, k] = df[n, t, k] - [k = tags[n, t]] / (N * T)
    add_21 = np.add(work.fixed_N_4, tags, out=work.add_13)
    take_21 = df.take(add_21, out=work.steps, mode="clip")
    take_21 -= 1 / (N * T)
    ds = work.largest_8
    np.copyto(ds, df)
    ds.put(add_21, take_21)

    # (22) dW3[i, j] = sum[n, t](c[n, t, i] * ds[n, t, j])
    copy_22 = work.copy_22
    np.copyto(copy_22.reshape(N, T, 4), ds.transpose(1, 0, 2))
    part_22 = work.part_22
    dW3 = work.dW3
    np.matmul(
        c.reshape(N, T, 64).transpose(0, 2, 1), copy_22.reshape(N, T, 4), out=part_22
    )
    np.add.reduce(part_22, axis=0, out=dW3)

    # (23) db3[j] = sum[n, t](ds[n, t, j])
    db3 = work.ones_N_T.dot(ds.reshape(N * T, 4), out=work.db3)

    # (24) dc[n, t, i] = sum[j](W3[i, j] * ds[n, t, j])
    dc = work.dc
    np.matmul(ds.reshape(T, N, 4), W3.T, out=dc.reshape(T, N, 64))

    # (25) dz2[n, t, o] = dc[n, t, o] * [z2[n, t, o] > 0]
    mask_25 = np.greater(c, 0.0, out=work.mask_25)
    dz2 = np.multiply(mask_25, dc.transpose(1, 0, 2), out=work.z2)

    # (26) dW2[p, c, o] = sum[n, t](dz2[n, t, o] * x_pad2[n, p + t, c])
    part_26 = work.part_3
    part_26_2 = work.part_26_2
    dW2 = work.dW2
    dW2.fill(0.0)
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_26[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144).T,
            dz2[start : start + 7].reshape(-1, 64),
            out=part_26_2.reshape(144, 64),
        )
        dW2 += part_26_2

    # (27) db2[o] = sum[n, t](dz2[n, t, o])
    db2 = work.ones_N_T.dot(dz2.reshape(N * T, 64), out=work.db2)

    # (28) dx_pad2[n, a, c] = sum[t, o, p](W2[p, c, o] * dz2[n, t, o] * [a = p + t])
    dx_pad2 = work.x_pad2
    dx_pad2.fill(0.0)
    part_28 = work.part_28
    copy_28 = work.copy_28
    np.copyto(copy_28, W2.transpose(0, 2, 1))
    windows = _windows(dx_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    factors = copy_28
    for start in range(0, N, 16):
        block = windows[start : start + 16]
        count = len(block)
        rows = dz2[start : start + 16].reshape(-1, 64)
        for p in range(9):
            np.dot(rows, factors[p], out=part_28[:count].reshape(-1, 16))
            block[:, :, p] += part_28[:count]

    # (29) de[n, a, c] = dx_pad2[n, a + 4, c]: a view of dx_pad2

    # (30) dE1[i, j] = sum[n, t](de[n, t, j] * [i = letters[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_30 = work.copy_30
    np.copyto(copy_30.reshape(N, T, 16), dx_pad2[:, 4 : T + 4])
    places_30 = work.places_30
    _at_rows(
        np.add,
        dE1,
        letters.reshape(N * T),
        copy_30,
        work.range_208.reshape(26, 8),
        places_30,
    )

    return loss, {
        "transition": dtransition,
        "E1": dE1,
        "W2": dW2,
        "b2": db2,
        "W3": dW3,
        "b3": db3,
    }


def sgd_step(params, *, letters, tags, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"letters": letters, "tags": tags}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    T = work.T
    letters = np.asarray(letters, dtype=np.intp)
    tags = np.asarray(tags, dtype=np.intp)
    transition = params["transition"]
    E1 = params["E1"]
    W2 = params["W2"]
    b2 = params["b2"]
    W3 = params["W3"]
    b3 = params["b3"]

    # (1) e[n, t, d] = E1[letters[n, t], d]
    e = E1.take(letters, axis=0, out=work.e, mode="clip")

    # (2) x_pad2[n, t, c] = [t >= 4 and t < T + 4] * e[n, t - 4, c]
    x_pad2 = work.x_pad2
    x_pad2.fill(0.0)
    x_pad2[:, 4 : T + 4] = e

    # (3) z2[n, t, o] = b2[o] + sum[p, c](W2[p, c, o] * x_pad2[n, p + t, c])
    part_3 = work.part_3
    z2 = work.z2
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_3[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144),
            W2.reshape(144, 64),
            out=z2[start : start + 7].reshape(-1, 64),
        )
    np.add(z2, b2, out=z2)

    # (4) c[n, t, o] = relu(z2[n, t, o])
    c = np.maximum(z2, 0.0, out=z2)

    # (5) s[n, t, j] = b3[j] + sum[i](W3[i, j] * c[n, t, i])
    s = work.s
    np.matmul(c.reshape(N, T, 64), W3, out=s.reshape(N, T, 4))
    np.add(s, b3, out=s)

    # (6) z_f, apart from other steps
    zeros_6 = work.zeros_6
    zeros_6.fill(0.0)

    z_f = work.z_f
    f = work.f

    for t in range(T):
        # (6) z_f[n, t, k, j] = transition[j, k] + [t >= 1] * f[n, t - 1, j]
        f_before = f[t - 1] if t >= 1 else zeros_6
        z_f_t = np.add(f_before[:, None], transition.T, out=z_f[t])

        # (7) f[n, t, k] = s[n, t, k] + [t > 0] * logsumexp[j](z_f[n, t, k, j])
        largest_7 = np.maximum.reduce(z_f_t, axis=2, out=work.largest_7)
        subtract_7 = np.subtract(z_f_t, largest_7[:, :, None], out=work.subtract_7)
        np.exp(subtract_7, out=subtract_7)
        total_7 = np.matmul(subtract_7, work.ones_4, out=work.total_7)
        np.log(total_7, out=total_7)
        total_7 += largest_7
        if t < 1:
            total_7 = work.total_7
            total_7.fill(0.0)
        np.add(total_7, s[:, t], out=f[t])

    # (8) p1[n, t, k, j] = exp(z_f[n, t, k, j] - logsumexp[j1](z_f[n, t, k, j1]))
    largest_8 = np.maximum.reduce(z_f, axis=3, out=work.largest_8)
    p1 = np.subtract(z_f, largest_8[:, :, :, None], out=work.p1)
    np.exp(p1, out=p1)
    total_8 = np.matmul(p1, work.ones_4, out=work.largest_8)
    p1 /= total_8[:, :, :, None]

    # (11) p3[n, k] = exp(f[n, T - 1, k] - logsumexp[k1](f[n, T - 1, k1]))
    largest_11 = np.maximum.reduce(f[T - 1], axis=1, out=work.largest_11)
    p3 = np.subtract(f[T - 1], largest_11[:, None], out=work.total_7)
    np.exp(p3, out=p3)
    total_11 = p3.dot(work.ones_4, out=work.total_11)
    p3 /= total_11[:, None]

    # (12) logZ[n] = logsumexp[k](f[n, T - 1, k])
    logZ = np.log(total_11, out=total_11)
    logZ += largest_11

    # (13) steps[n, t] = s[n, t, tags[n, t]] + [t > 0] * transition[tags[n, t - 1],
    #     tags[n, t]]
    add_13 = np.add(work.fixed_N_2, tags, out=work.add_13)
    take_13 = s.take(add_13, out=work.take_13, mode="clip")
    multiply_13 = np.multiply(tags[:, : T - 1], 4, out=work.multiply_13)
    np.add(multiply_13, tags[:, 1:], out=multiply_13)
    take_13_2 = transition.take(multiply_13, out=work.take_13_2, mode="clip")
    steps = work.steps
    steps[:, 0:1] = 0.0
    steps[:, 1:T] = take_13_2
    steps += take_13

    # (14) score[n] = sum[t](steps[n, t])
    score = steps.dot(work.ones_T, out=work.largest_11)

    # (17) loss = sum[n](logZ[n] - score[n]) / (N * T)
    subtract_17 = np.subtract(logZ, score, out=logZ)
    total_17 = float(np.add.reduce(subtract_17, axis=None))
    loss = total_17 / (N * T)

    # (18) df, apart from other steps
    divide_18 = np.divide(p3, N * T, out=p3)

    df = work.f
    dz_f = work.z_f

    for t in reversed(range(T)):
        # (18) df[n, t, k] = p3[n, k] * [t = T - 1] / (N * T) + [t + 1 < T] *
        #     sum[k1](dz_f[n, t + 1, k1, k])
        chosen_18 = divide_18 if t == T - 1 else zeros_6
        if t < T - 1:
            total_18 = np.add.reduce(dz_f[t + 1], axis=1, out=work.largest_7)
        else:
            total_18 = work.largest_7
            total_18.fill(0.0)
        df_t = np.add(total_18, chosen_18, out=df[t])

        # (19) dz_f[n, t, k, j] = df[n, t, k] * p1[n, t, k, j] * [t > 0]
        multiply_19 = np.multiply(p1[t], df_t[:, :, None], out=work.subtract_7)
        if t >= 1:
            dz_f_t = dz_f[t]
            np.copyto(dz_f_t, multiply_19)
        else:
            dz_f_t = dz_f[t]
            dz_f_t.fill(0.0)

    # (20) dtransition[j, k] = sum[n, t](dz_f[n, t, k, j]) - sum[n, t]([t > 0] * [j =
    #     tags[n, t - 1]] * [k = tags[n, t]]) / (N * T)
    dtransition = work.dtransition
    dtransition.fill(0.0)
    take_20 = tags.take(work.fixed_T_2, axis=1, out=work.add_13, mode="clip")
    take_20 *= 4
    np.add(take_20, tags, out=take_20)
    copy_20 = work.copy_20
    np.copyto(copy_20, work.fixed_T_3)
    real_20 = work.real_20
    np.copyto(real_20, copy_20.reshape(N * T))
    np.add.at(dtransition.reshape(-1), take_20.reshape(N * T), real_20)
    dtransition /= N * T
    total_20 = np.add.reduce(dz_f, axis=(0, 1), out=work.total_20)
    np.subtract(total_20.T, dtransition, out=dtransition)
    dtransition *= rate
    transition -= dtransition

    # (21) ds[n, t, k] = df[n, t, k] - [k = tags[n, t]] / (N * T)
    add_21 = np.add(work.fixed_N_4, tags, out=work.add_13)
    take_21 = df.take(add_21, out=work.steps, mode="clip")
    take_21 -= 1 / (N * T)
    ds = work.largest_8
    np.copyto(ds, df)
    ds.put(add_21, take_21)

    # (22) dW3[i, j] = sum[n, t](c[n, t, i] * ds[n, t, j])
    copy_22 = work.copy_22
    np.copyto(copy_22.reshape(N, T, 4), ds.transpose(1, 0, 2))
    part_22 = work.part_22
    dW3 = work.dW3
    np.matmul(
        c.reshape(N, T, 64).transpose(0, 2, 1), copy_22.reshape(N, T, 4), out=part_22
    )
    np.add.reduce(part_22, axis=0, out=dW3)

    # (23) db3[j] = sum[n, t](ds[n, t, j])
    db3 = work.ones_N_T.dot(ds.reshape(N * T, 4), out=work.db3)
    db3 *= rate
    b3 -= db3

    # (24) dc[n, t, i] = sum[j](W3[i, j] * ds[n, t, j])
    dc = work.dc
    np.matmul(ds.reshape(T, N, 4), W3.T, out=dc.reshape(T, N, 64))

    # (22) W3 -= rate * dW3
    dW3 *= rate
    W3 -= dW3

    # (25) dz2[n, t, o] = dc[n, t, o] * [z2[n, t, o] > 0]
    mask_25 = np.greater(c, 0.0, out=work.mask_25)
    dz2 = np.multiply(mask_25, dc.transpose(1, 0, 2), out=work.z2)

    # (26) dW2[p, c, o] = sum[n, t](dz2[n, t, o] * x_pad2[n, p + t, c])
    part_26 = work.part_3
    part_26_2 = work.part_26_2
    dW2 = work.dW2
    dW2.fill(0.0)
    windows = _windows(x_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    for start in range(0, N, 7):
        block = windows[start : start + 7]
        count = len(block)
        copied = part_26[:count]
        np.copyto(copied, block)
        np.dot(
            copied.reshape(-1, 144).T,
            dz2[start : start + 7].reshape(-1, 64),
            out=part_26_2.reshape(144, 64),
        )
        dW2 += part_26_2

    # (27) db2[o] = sum[n, t](dz2[n, t, o])
    db2 = work.ones_N_T.dot(dz2.reshape(N * T, 64), out=work.db2)
    db2 *= rate
    b2 -= db2

    # (28) dx_pad2[n, a, c] = sum[t, o, p](W2[p, c, o] * dz2[n, t, o] * [a = p + t])
    dx_pad2 = work.x_pad2
    dx_pad2.fill(0.0)
    part_28 = work.part_28
    copy_28 = work.copy_28
    np.copyto(copy_28, W2.transpose(0, 2, 1))
    windows = _windows(dx_pad2, (N, T, 9, 16), (0, 1, 1, 2), (1, 1, 1, 1))
    factors = copy_28
    for start in range(0, N, 16):
        block = windows[start : start + 16]
        count = len(block)
        rows = dz2[start : start + 16].reshape(-1, 64)
        for p in range(9):
            np.dot(rows, factors[p], out=part_28[:count].reshape(-1, 16))
            block[:, :, p] += part_28[:count]

    # (26) W2 -= rate * dW2
    dW2 *= rate
    W2 -= dW2

    # (29) de[n, a, c] = dx_pad2[n, a + 4, c]: a view of dx_pad2

    # (30) dE1[i, j] = sum[n, t](de[n, t, j] * [i = letters[n, t]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_30 = work.copy_30
    np.copyto(copy_30.reshape(N, T, 16), dx_pad2[:, 4 : T + 4])
    places_30 = work.places_30
    _at_rows(
        np.add,
        dE1,
        letters.reshape(N * T),
        copy_30,
        work.range_208.reshape(26, 8),
        places_30,
    )
    dE1 *= rate
    E1 -= dE1

    return loss


def _largest(array, out):
    """The largest entry of each row; where rows are short, argmax is quicker than maximum."""
    rows, found = array.reshape(-1, array.shape[-1]), out.reshape(-1)
    for start in range(0, len(rows), 1024):
        part = rows[start : start + 1024]
        places = part.argmax(axis=1)
        np.add(places, np.arange(0, part.size, part.shape[1]), out=places)
        part.take(places, out=found[start : start + 1024], mode="clip")
    return out


def _windows(array, shape, axes, steps):
    """View an array by new axes, each of which moves by a step along an old axis.

    Several may move along one: then windows overlap, and entries share memory.
    """
    strides = [array.strides[axis] * step for axis, step in zip(axes, steps)]
    return np.lib.stride_tricks.as_strided(array, shape, strides)


def _at_rows(ufunc, table, rows, values, starts, places):
    """Add each row of values to that row of a table, or subtract it; rows may repeat.

    Where `places` has half as many columns, neighbours are one complex number. `starts` is
    room for where rows start, or has the places of every row.
    """
    if not table.flags.c_contiguous:
        ufunc.at(table, rows, values)
        return
    if starts.ndim == 2:
        starts.take(rows, axis=0, out=places, mode="clip")
    else:
        each = places.shape[1]
        np.multiply(rows, each, out=starts)
        np.add(starts[:, None], np.arange(each), out=places)
    flat, added = table.reshape(-1), values.reshape(-1)
    if added.size > places.size:
        pairs = np.result_type(flat, np.complex64)
        flat, added = flat.view(pairs), added.view(pairs)
    ufunc.at(flat, places.reshape(-1), added)


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


def _normal(rng, shape, std, dtype):
    """Normal with the given standard deviation."""
    return np.asarray(std * rng.standard_normal(shape), dtype)


def _fans(shape):
    """Fan in and fan out: the last two axes, each times the receptive field before."""
    if len(shape) < 2:
        return (*shape, *shape) or (1, 1)
    field = int(np.prod(shape[:-2]))
    return field * shape[-2], field * shape[-1]
