"""Shakespeare's sonnets, a character at a time, by a transformer

Two blocks, each of which first looks back (attention of every character to those before
it) and then thinks (a layer on every character by itself); what they find is added to
what there was.

Written by symbackprop from the spec char_transformer (8effa429456ef2d0).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "ids": ("N", 64),
    "next": ("N", 64),
    "position": (64, 64),
    "E1": (61, 64),
    "gamma2": (64,),
    "beta2": (64,),
    "W3_q": (64, 4, 16),
    "W3_k": (64, 4, 16),
    "W3_v": (64, 4, 16),
    "W3_o": (4, 16, 64),
    "gamma4": (64,),
    "beta4": (64,),
    "W5": (64, 256),
    "b5": (256,),
    "W6": (256, 64),
    "b6": (64,),
    "gamma7": (64,),
    "beta7": (64,),
    "W8_q": (64, 4, 16),
    "W8_k": (64, 4, 16),
    "W8_v": (64, 4, 16),
    "W8_o": (4, 16, 64),
    "gamma9": (64,),
    "beta9": (64,),
    "W10": (64, 256),
    "b10": (256,),
    "W11": (256, 64),
    "b11": (64,),
    "gamma12": (64,),
    "beta12": (64,),
    "W13": (64, 61),
    "b13": (61,),
    "p": ("N", 64, 61),
}

_PARAMETERS = [
    "position",
    "E1",
    "gamma2",
    "beta2",
    "W3_q",
    "W3_k",
    "W3_v",
    "W3_o",
    "gamma4",
    "beta4",
    "W5",
    "b5",
    "W6",
    "b6",
    "gamma7",
    "beta7",
    "W8_q",
    "W8_k",
    "W8_v",
    "W8_o",
    "gamma9",
    "beta9",
    "W10",
    "b10",
    "W11",
    "b11",
    "gamma12",
    "beta12",
    "W13",
    "b13",
]
_KINDS = {
    "ids": "iu",
    "next": "iu",
}
_CLASSES = {
    "ids": 61,
    "next": 61,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "position": _normal(rng, (64, 64), 0.02, dtype),
        "E1": _normal(rng, (61, 64), 0.05, dtype),
        "gamma2": np.ones((64,), dtype),
        "beta2": np.zeros((64,), dtype),
        "W3_q": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W3_k": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W3_v": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W3_o": _glorot_uniform(rng, (4, 16, 64), dtype),
        "gamma4": np.ones((64,), dtype),
        "beta4": np.zeros((64,), dtype),
        "W5": _glorot_uniform(rng, (64, 256), dtype),
        "b5": np.zeros((256,), dtype),
        "W6": _glorot_uniform(rng, (256, 64), dtype),
        "b6": np.zeros((64,), dtype),
        "gamma7": np.ones((64,), dtype),
        "beta7": np.zeros((64,), dtype),
        "W8_q": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W8_k": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W8_v": _glorot_uniform(rng, (64, 4, 16), dtype),
        "W8_o": _glorot_uniform(rng, (4, 16, 64), dtype),
        "gamma9": np.ones((64,), dtype),
        "beta9": np.zeros((64,), dtype),
        "W10": _glorot_uniform(rng, (64, 256), dtype),
        "b10": np.zeros((256,), dtype),
        "W11": _glorot_uniform(rng, (256, 64), dtype),
        "b11": np.zeros((64,), dtype),
        "gamma12": np.ones((64,), dtype),
        "beta12": np.zeros((64,), dtype),
        "W13": _glorot_uniform(rng, (64, 61), dtype),
        "b13": np.zeros((61,), dtype),
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
        self.ones_64 = np.ones(64, dtype)
        self.range_64 = np.arange(64)
        self.fixed_64 = np.greater(self.range_64, self.range_64[:, None])
        self.ones_61 = np.ones(61, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.multiply(self.range_N, 3904)
        self.fixed_64_2 = np.multiply(self.range_64, 61)
        self.fixed_64_3 = np.add(self.fixed_N, self.fixed_64_2[:, None])
        self.fixed_N_2 = np.add(self.fixed_N[:, None], self.fixed_64_2)
        self.ones_64_N = np.ones(64 * N, dtype)
        self.range_1952 = np.arange(1952)
        self.x0 = _aligned((N, 64, 64), dtype)
        self.mu2 = _aligned((N, 64), dtype)
        self.subtract_3 = _aligned((N, 64, 64), dtype)
        self.z2 = _aligned((N, 64, 64), dtype)
        self.q3 = _aligned((N, 64, 4, 16), dtype)
        self.k3 = _aligned((N, 64, 4, 16), dtype)
        self.s3 = _aligned((N, 4, 64, 64), dtype)
        self.largest_10 = _aligned((N, 4, 64), dtype)
        self.v3 = _aligned((N, 64, 4, 16), dtype)
        self.o3 = _aligned((N, 64, 4, 16), dtype)
        self.x1 = _aligned((N, 64, 64), dtype)
        self.mu4 = _aligned((N, 64), dtype)
        self.z4 = _aligned((N, 64, 64), dtype)
        self.z5 = _aligned((N, 64, 256), dtype)
        self.multiply_20 = _aligned((N, 64, 256), dtype)
        self.subtract_87 = _aligned((N, 64, 256), dtype)
        self.multiply_87 = _aligned((N, 64, 256), dtype)
        self.x2 = _aligned((N, 64, 64), dtype)
        self.mu7 = _aligned((N, 64), dtype)
        self.z7 = _aligned((N, 64, 64), dtype)
        self.q8 = _aligned((N, 64, 4, 16), dtype)
        self.k8 = _aligned((N, 64, 4, 16), dtype)
        self.s8 = _aligned((N, 4, 64, 64), dtype)
        self.v8 = _aligned((N, 64, 4, 16), dtype)
        self.o8 = _aligned((N, 64, 4, 16), dtype)
        self.x3 = _aligned((N, 64, 64), dtype)
        self.mu9 = _aligned((N, 64), dtype)
        self.z9 = _aligned((N, 64, 64), dtype)
        self.subtract_61 = _aligned((N, 64, 256), dtype)
        self.multiply_61 = _aligned((N, 64, 256), dtype)
        self.x4 = _aligned((N, 64, 64), dtype)
        self.mu12 = _aligned((N, 64), dtype)
        self.z13 = _aligned((N, 64, 61), dtype)
        self.add_49 = np.empty((64, N), np.intp)
        self.take_49 = _aligned((64, N), dtype)
        self.largest_48 = _aligned((N, 64), dtype)
        self.total_48 = _aligned((N, 64), dtype)
        self.add_50 = np.empty((N, 64), np.intp)
        self.dW13 = _aligned((64, 61), dtype)
        self.db13 = np.empty((61,), dtype)
        self.dbeta12 = np.empty((64,), dtype)
        self.dgamma12 = np.empty((64,), dtype)
        self.dW11 = _aligned((256, 64), dtype)
        self.db11 = np.empty((64,), dtype)
        self.dW10 = _aligned((64, 256), dtype)
        self.db10 = np.empty((256,), dtype)
        self.dbeta9 = np.empty((64,), dtype)
        self.dgamma9 = np.empty((64,), dtype)
        self.dW8_o = _aligned((4, 16, 64), dtype)
        self.dp8 = _aligned((N, 4, 64, 64), dtype)
        self.dW8_v = _aligned((64, 4, 16), dtype)
        self.dW8_k = _aligned((64, 4, 16), dtype)
        self.dW8_q = _aligned((64, 4, 16), dtype)
        self.dbeta7 = np.empty((64,), dtype)
        self.dgamma7 = np.empty((64,), dtype)
        self.dW6 = _aligned((256, 64), dtype)
        self.db6 = np.empty((64,), dtype)
        self.dW5 = _aligned((64, 256), dtype)
        self.db5 = np.empty((256,), dtype)
        self.dbeta4 = np.empty((64,), dtype)
        self.dgamma4 = np.empty((64,), dtype)
        self.dW3_o = _aligned((4, 16, 64), dtype)
        self.dW3_v = _aligned((64, 4, 16), dtype)
        self.dW3_k = _aligned((64, 4, 16), dtype)
        self.dW3_q = _aligned((64, 4, 16), dtype)
        self.dbeta2 = np.empty((64,), dtype)
        self.dgamma2 = np.empty((64,), dtype)
        self.dE1 = _aligned((61, 64), dtype)
        self.copy_110 = np.empty((64 * N,), np.intp)
        self.copy_110_2 = _aligned((64 * N, 64), dtype)
        self.places_110 = np.empty((64 * N, 32), np.intp)
        self.dposition = _aligned((64, 64), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def forward(params, *, ids, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"ids": ids}, workspace)
    N = work.N
    ids = np.asarray(ids, dtype=np.intp)
    position = params["position"]
    E1 = params["E1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3_q = params["W3_q"]
    W3_k = params["W3_k"]
    W3_v = params["W3_v"]
    W3_o = params["W3_o"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    W6 = params["W6"]
    b6 = params["b6"]
    gamma7 = params["gamma7"]
    beta7 = params["beta7"]
    W8_q = params["W8_q"]
    W8_k = params["W8_k"]
    W8_v = params["W8_v"]
    W8_o = params["W8_o"]
    gamma9 = params["gamma9"]
    beta9 = params["beta9"]
    W10 = params["W10"]
    b10 = params["b10"]
    W11 = params["W11"]
    b11 = params["b11"]
    gamma12 = params["gamma12"]
    beta12 = params["beta12"]
    W13 = params["W13"]
    b13 = params["b13"]

    # (1) x0[n, i, d] = E1[ids[n, i], d] + position[i, d]
    x0 = E1.take(ids, axis=0, out=work.x0, mode="clip")
    np.add(x0, position, out=x0)

    # (2) mu2[n, i1] = sum[i](x0[n, i1, i]) / 64
    mu2 = np.matmul(x0, work.ones_64, out=work.mu2)
    mu2 /= 64.0

    # (3) var2[n, i1] = sum[i]((x0[n, i1, i] - mu2[n, i1])**2) / 64
    subtract_3 = np.subtract(x0, mu2[:, :, None], out=work.subtract_3)
    var2 = np.einsum("...i,...i->...", subtract_3, subtract_3, out=work.mu2)
    var2 /= 64.0

    # (4) r2[n, i1] = 1 / sqrt(1 / 100000 + var2[n, i1])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) xhat2[n, i1, i] = (x0[n, i1, i] - mu2[n, i1]) * r2[n, i1]
    xhat2 = np.multiply(subtract_3, r2[:, :, None], out=subtract_3)

    # (6) z2[n, i1, i] = gamma2[i] * xhat2[n, i1, i] + beta2[i]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (7) q3[n, h, t, e] = sum[i](W3_q[i, h, e] * z2[n, t, i])
    q3 = work.q3
    np.matmul(z2.reshape(64 * N, 64), W3_q.reshape(64, 64), out=q3.reshape(64 * N, 64))

    # (8) k3[n, h, t, e] = sum[i](W3_k[i, h, e] * z2[n, t, i])
    k3 = work.k3
    np.matmul(z2.reshape(64 * N, 64), W3_k.reshape(64, 64), out=k3.reshape(64 * N, 64))

    # (11) v3[n, h, t, e] = sum[i](W3_v[i, h, e] * z2[n, t, i])
    v3 = work.v3
    np.matmul(z2.reshape(64 * N, 64), W3_v.reshape(64, 64), out=v3.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 3, 1)[rows]
        v3_rows = v3.transpose(0, 2, 1, 3)[rows]
        # (9) s3[n, h, t, j] = sum[d](k3[n, h, j, d] * q3[n, h, t, d]) / 4
        s3 = np.matmul(q3_rows, k3_rows, out=work.s3[part])
        s3 /= 4.0
        # (10) p3[n, h, t, j] = [j <= t] * exp(s3[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s3[n, h, t, i], -1e30)))
        p3 = s3
        np.copyto(p3, -1e30, where=work.fixed_64)
        largest_10 = _largest(p3, out=work.largest_10[part])
        p3 -= largest_10[:, :, :, None]
        np.exp(p3, out=p3)
        total_10 = np.matmul(p3, work.ones_64, out=work.largest_10[part])
        p3 /= total_10[:, :, :, None]
        np.copyto(p3, 0.0, where=work.fixed_64)
        # (12) o3[n, h, t, e] = sum[j](p3[n, h, t, j] * v3[n, h, j, e])
        o3 = work.o3[rows]
        np.matmul(p3, v3_rows, out=o3.transpose(0, 2, 1, 3))
    o3 = work.o3

    # (13) x1[n, i, d] = x0[n, i, d] + sum[h, e](W3_o[h, e, d] * o3[n, h, i, e])
    x1 = work.x1
    np.matmul(o3.reshape(64 * N, 64), W3_o.reshape(64, 64), out=x1.reshape(64 * N, 64))
    x1 += x0

    # (14) mu4[n, i1] = sum[i](x1[n, i1, i]) / 64
    mu4 = np.matmul(x1, work.ones_64, out=work.mu4)
    mu4 /= 64.0

    # (15) var4[n, i1] = sum[i]((x1[n, i1, i] - mu4[n, i1])**2) / 64
    subtract_15 = np.subtract(x1, mu4[:, :, None], out=work.x0)
    var4 = np.einsum("...i,...i->...", subtract_15, subtract_15, out=work.mu4)
    var4 /= 64.0

    # (16) r4[n, i1] = 1 / sqrt(1 / 100000 + var4[n, i1])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (17) xhat4[n, i1, i] = (x1[n, i1, i] - mu4[n, i1]) * r4[n, i1]
    xhat4 = np.multiply(subtract_15, r4[:, :, None], out=subtract_15)

    # (18) z4[n, i1, i] = gamma4[i] * xhat4[n, i1, i] + beta4[i]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
    z5 = work.z5
    np.matmul(z4.reshape(64 * N, 64), W5, out=z5.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z5_rows = z5[rows]
        # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
        np.add(z5_rows, b5, out=z5_rows)
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        multiply_20 = np.multiply(z5_rows, z5_rows, out=work.multiply_20[part])
        multiply_20 *= z5_rows
        multiply_20 *= 0.044715
        multiply_20 += z5_rows
        multiply_20 *= -1.5957691216057308
        np.exp(multiply_20, out=multiply_20)
        multiply_20 += 1.0
        np.reciprocal(multiply_20, out=multiply_20)
        z5_rows *= multiply_20
    z_x2 = z5

    # (21) x2[n, i, d] = b6[d] + x1[n, i, d] + sum[i1](W6[i1, d] * z_x2[n, i, i1])
    x2 = work.x2
    np.matmul(z_x2.reshape(64 * N, 256), W6, out=x2.reshape(64 * N, 64))
    add_21 = np.add(x1, b6, out=x1)
    x2 += add_21

    # (22) mu7[n, i1] = sum[i](x2[n, i1, i]) / 64
    mu7 = np.matmul(x2, work.ones_64, out=work.mu7)
    mu7 /= 64.0

    # (23) var7[n, i1] = sum[i]((x2[n, i1, i] - mu7[n, i1])**2) / 64
    subtract_23 = np.subtract(x2, mu7[:, :, None], out=work.x1)
    var7 = np.einsum("...i,...i->...", subtract_23, subtract_23, out=work.mu7)
    var7 /= 64.0

    # (24) r7[n, i1] = 1 / sqrt(1 / 100000 + var7[n, i1])
    r7 = np.add(var7, 1e-05, out=var7)
    np.sqrt(r7, out=r7)
    np.reciprocal(r7, out=r7)

    # (25) xhat7[n, i1, i] = (x2[n, i1, i] - mu7[n, i1]) * r7[n, i1]
    xhat7 = np.multiply(subtract_23, r7[:, :, None], out=subtract_23)

    # (26) z7[n, i1, i] = gamma7[i] * xhat7[n, i1, i] + beta7[i]
    z7 = np.multiply(xhat7, gamma7, out=xhat7)
    np.add(z7, beta7, out=z7)

    # (27) q8[n, h, t, e] = sum[i](W8_q[i, h, e] * z7[n, t, i])
    q8 = work.q8
    np.matmul(z7.reshape(64 * N, 64), W8_q.reshape(64, 64), out=q8.reshape(64 * N, 64))

    # (28) k8[n, h, t, e] = sum[i](W8_k[i, h, e] * z7[n, t, i])
    k8 = work.k8
    np.matmul(z7.reshape(64 * N, 64), W8_k.reshape(64, 64), out=k8.reshape(64 * N, 64))

    # (31) v8[n, h, t, e] = sum[i](W8_v[i, h, e] * z7[n, t, i])
    v8 = work.v8
    np.matmul(z7.reshape(64 * N, 64), W8_v.reshape(64, 64), out=v8.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 3, 1)[rows]
        v8_rows = v8.transpose(0, 2, 1, 3)[rows]
        # (29) s8[n, h, t, j] = sum[d](k8[n, h, j, d] * q8[n, h, t, d]) / 4
        s8 = np.matmul(q8_rows, k8_rows, out=work.s8[part])
        s8 /= 4.0
        # (30) p8[n, h, t, j] = [j <= t] * exp(s8[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s8[n, h, t, i], -1e30)))
        p8 = s8
        np.copyto(p8, -1e30, where=work.fixed_64)
        largest_30 = _largest(p8, out=work.largest_10[part])
        p8 -= largest_30[:, :, :, None]
        np.exp(p8, out=p8)
        total_30 = np.matmul(p8, work.ones_64, out=work.largest_10[part])
        p8 /= total_30[:, :, :, None]
        np.copyto(p8, 0.0, where=work.fixed_64)
        # (32) o8[n, h, t, e] = sum[j](p8[n, h, t, j] * v8[n, h, j, e])
        o8 = work.o8[rows]
        np.matmul(p8, v8_rows, out=o8.transpose(0, 2, 1, 3))
    o8 = work.o8

    # (33) x3[n, i, d] = x2[n, i, d] + sum[h, e](W8_o[h, e, d] * o8[n, h, i, e])
    x3 = work.x3
    np.matmul(o8.reshape(64 * N, 64), W8_o.reshape(64, 64), out=x3.reshape(64 * N, 64))
    x3 += x2

    # (34) mu9[n, i1] = sum[i](x3[n, i1, i]) / 64
    mu9 = np.matmul(x3, work.ones_64, out=work.mu9)
    mu9 /= 64.0

    # (35) var9[n, i1] = sum[i]((x3[n, i1, i] - mu9[n, i1])**2) / 64
    subtract_35 = np.subtract(x3, mu9[:, :, None], out=work.x2)
    var9 = np.einsum("...i,...i->...", subtract_35, subtract_35, out=work.mu9)
    var9 /= 64.0

    # (36) r9[n, i1] = 1 / sqrt(1 / 100000 + var9[n, i1])
    r9 = np.add(var9, 1e-05, out=var9)
    np.sqrt(r9, out=r9)
    np.reciprocal(r9, out=r9)

    # (37) xhat9[n, i1, i] = (x3[n, i1, i] - mu9[n, i1]) * r9[n, i1]
    xhat9 = np.multiply(subtract_35, r9[:, :, None], out=subtract_35)

    # (38) z9[n, i1, i] = gamma9[i] * xhat9[n, i1, i] + beta9[i]
    z9 = np.multiply(xhat9, gamma9, out=xhat9)
    np.add(z9, beta9, out=z9)

    # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
    z10 = work.z5
    np.matmul(z9.reshape(64 * N, 64), W10, out=z10.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z10_rows = z10[rows]
        # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
        np.add(z10_rows, b10, out=z10_rows)
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        multiply_40 = np.multiply(z10_rows, z10_rows, out=work.multiply_20[part])
        multiply_40 *= z10_rows
        multiply_40 *= 0.044715
        multiply_40 += z10_rows
        multiply_40 *= -1.5957691216057308
        np.exp(multiply_40, out=multiply_40)
        multiply_40 += 1.0
        np.reciprocal(multiply_40, out=multiply_40)
        z10_rows *= multiply_40
    z_x4 = z10

    # (41) x4[n, i, d] = b11[d] + x3[n, i, d] + sum[i1](W11[i1, d] * z_x4[n, i, i1])
    x4 = work.x4
    np.matmul(z_x4.reshape(64 * N, 256), W11, out=x4.reshape(64 * N, 64))
    add_41 = np.add(x3, b11, out=x3)
    x4 += add_41

    # (42) mu12[n, i1] = sum[i](x4[n, i1, i]) / 64
    mu12 = np.matmul(x4, work.ones_64, out=work.mu12)
    mu12 /= 64.0

    # (43) var12[n, i1] = sum[i]((x4[n, i1, i] - mu12[n, i1])**2) / 64
    subtract_43 = np.subtract(x4, mu12[:, :, None], out=x4)
    var12 = np.einsum("...i,...i->...", subtract_43, subtract_43, out=work.mu12)
    var12 /= 64.0

    # (44) r12[n, i1] = 1 / sqrt(1 / 100000 + var12[n, i1])
    r12 = np.add(var12, 1e-05, out=var12)
    np.sqrt(r12, out=r12)
    np.reciprocal(r12, out=r12)

    # (45) xhat12[n, i1, i] = (x4[n, i1, i] - mu12[n, i1]) * r12[n, i1]
    xhat12 = np.multiply(subtract_43, r12[:, :, None], out=subtract_43)

    # (46) z12[n, i1, i] = gamma12[i] * xhat12[n, i1, i] + beta12[i]
    z12 = np.multiply(xhat12, gamma12, out=xhat12)
    np.add(z12, beta12, out=z12)

    # (47) z13[n, i1, j] = b13[j] + sum[i](W13[i, j] * z12[n, i1, i])
    z13 = work.z13
    np.matmul(z12.reshape(64 * N, 64), W13, out=z13.reshape(64 * N, 61))

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        z13_rows = z13[rows]
        # (47) z13[n, i1, j] = b13[j] + sum[i](W13[i, j] * z12[n, i1, i])
        np.add(z13_rows, b13, out=z13_rows)
        # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
        largest_48 = _largest(z13_rows, out=work.largest_48[part])
        z13_rows -= largest_48[:, :, None]
        np.exp(z13_rows, out=z13_rows)
        total_48 = np.matmul(z13_rows, work.ones_61, out=work.total_48[part])
        z13_rows /= total_48[:, :, None]
    p = z13

    return {
        "p": p,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def loss(params, *, ids, next, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    N = work.N
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    position = params["position"]
    E1 = params["E1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3_q = params["W3_q"]
    W3_k = params["W3_k"]
    W3_v = params["W3_v"]
    W3_o = params["W3_o"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    W6 = params["W6"]
    b6 = params["b6"]
    gamma7 = params["gamma7"]
    beta7 = params["beta7"]
    W8_q = params["W8_q"]
    W8_k = params["W8_k"]
    W8_v = params["W8_v"]
    W8_o = params["W8_o"]
    gamma9 = params["gamma9"]
    beta9 = params["beta9"]
    W10 = params["W10"]
    b10 = params["b10"]
    W11 = params["W11"]
    b11 = params["b11"]
    gamma12 = params["gamma12"]
    beta12 = params["beta12"]
    W13 = params["W13"]
    b13 = params["b13"]

    # (1) x0[n, i, d] = E1[ids[n, i], d] + position[i, d]
    x0 = E1.take(ids, axis=0, out=work.x0, mode="clip")
    np.add(x0, position, out=x0)

    # (2) mu2[n, i1] = sum[i](x0[n, i1, i]) / 64
    mu2 = np.matmul(x0, work.ones_64, out=work.mu2)
    mu2 /= 64.0

    # (3) var2[n, i1] = sum[i]((x0[n, i1, i] - mu2[n, i1])**2) / 64
    subtract_3 = np.subtract(x0, mu2[:, :, None], out=work.subtract_3)
    var2 = np.einsum("...i,...i->...", subtract_3, subtract_3, out=work.mu2)
    var2 /= 64.0

    # (4) r2[n, i1] = 1 / sqrt(1 / 100000 + var2[n, i1])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) xhat2[n, i1, i] = (x0[n, i1, i] - mu2[n, i1]) * r2[n, i1]
    xhat2 = np.multiply(subtract_3, r2[:, :, None], out=subtract_3)

    # (6) z2[n, i1, i] = gamma2[i] * xhat2[n, i1, i] + beta2[i]
    z2 = np.multiply(xhat2, gamma2, out=xhat2)
    np.add(z2, beta2, out=z2)

    # (7) q3[n, h, t, e] = sum[i](W3_q[i, h, e] * z2[n, t, i])
    q3 = work.q3
    np.matmul(z2.reshape(64 * N, 64), W3_q.reshape(64, 64), out=q3.reshape(64 * N, 64))

    # (8) k3[n, h, t, e] = sum[i](W3_k[i, h, e] * z2[n, t, i])
    k3 = work.k3
    np.matmul(z2.reshape(64 * N, 64), W3_k.reshape(64, 64), out=k3.reshape(64 * N, 64))

    # (11) v3[n, h, t, e] = sum[i](W3_v[i, h, e] * z2[n, t, i])
    v3 = work.v3
    np.matmul(z2.reshape(64 * N, 64), W3_v.reshape(64, 64), out=v3.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 3, 1)[rows]
        v3_rows = v3.transpose(0, 2, 1, 3)[rows]
        # (9) s3[n, h, t, j] = sum[d](k3[n, h, j, d] * q3[n, h, t, d]) / 4
        s3 = np.matmul(q3_rows, k3_rows, out=work.s3[part])
        s3 /= 4.0
        # (10) p3[n, h, t, j] = [j <= t] * exp(s3[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s3[n, h, t, i], -1e30)))
        p3 = s3
        np.copyto(p3, -1e30, where=work.fixed_64)
        largest_10 = _largest(p3, out=work.largest_10[part])
        p3 -= largest_10[:, :, :, None]
        np.exp(p3, out=p3)
        total_10 = np.matmul(p3, work.ones_64, out=work.largest_10[part])
        p3 /= total_10[:, :, :, None]
        np.copyto(p3, 0.0, where=work.fixed_64)
        # (12) o3[n, h, t, e] = sum[j](p3[n, h, t, j] * v3[n, h, j, e])
        o3 = work.o3[rows]
        np.matmul(p3, v3_rows, out=o3.transpose(0, 2, 1, 3))
    o3 = work.o3

    # (13) x1[n, i, d] = x0[n, i, d] + sum[h, e](W3_o[h, e, d] * o3[n, h, i, e])
    x1 = work.x1
    np.matmul(o3.reshape(64 * N, 64), W3_o.reshape(64, 64), out=x1.reshape(64 * N, 64))
    x1 += x0

    # (14) mu4[n, i1] = sum[i](x1[n, i1, i]) / 64
    mu4 = np.matmul(x1, work.ones_64, out=work.mu4)
    mu4 /= 64.0

    # (15) var4[n, i1] = sum[i]((x1[n, i1, i] - mu4[n, i1])**2) / 64
    subtract_15 = np.subtract(x1, mu4[:, :, None], out=work.x0)
    var4 = np.einsum("...i,...i->...", subtract_15, subtract_15, out=work.mu4)
    var4 /= 64.0

    # (16) r4[n, i1] = 1 / sqrt(1 / 100000 + var4[n, i1])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (17) xhat4[n, i1, i] = (x1[n, i1, i] - mu4[n, i1]) * r4[n, i1]
    xhat4 = np.multiply(subtract_15, r4[:, :, None], out=subtract_15)

    # (18) z4[n, i1, i] = gamma4[i] * xhat4[n, i1, i] + beta4[i]
    z4 = np.multiply(xhat4, gamma4, out=xhat4)
    np.add(z4, beta4, out=z4)

    # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
    z5 = work.z5
    np.matmul(z4.reshape(64 * N, 64), W5, out=z5.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z5_rows = z5[rows]
        # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
        np.add(z5_rows, b5, out=z5_rows)
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        multiply_20 = np.multiply(z5_rows, z5_rows, out=work.multiply_20[part])
        multiply_20 *= z5_rows
        multiply_20 *= 0.044715
        multiply_20 += z5_rows
        multiply_20 *= -1.5957691216057308
        np.exp(multiply_20, out=multiply_20)
        multiply_20 += 1.0
        np.reciprocal(multiply_20, out=multiply_20)
        z5_rows *= multiply_20
    z_x2 = z5

    # (21) x2[n, i, d] = b6[d] + x1[n, i, d] + sum[i1](W6[i1, d] * z_x2[n, i, i1])
    x2 = work.x2
    np.matmul(z_x2.reshape(64 * N, 256), W6, out=x2.reshape(64 * N, 64))
    add_21 = np.add(x1, b6, out=x1)
    x2 += add_21

    # (22) mu7[n, i1] = sum[i](x2[n, i1, i]) / 64
    mu7 = np.matmul(x2, work.ones_64, out=work.mu7)
    mu7 /= 64.0

    # (23) var7[n, i1] = sum[i]((x2[n, i1, i] - mu7[n, i1])**2) / 64
    subtract_23 = np.subtract(x2, mu7[:, :, None], out=work.x1)
    var7 = np.einsum("...i,...i->...", subtract_23, subtract_23, out=work.mu7)
    var7 /= 64.0

    # (24) r7[n, i1] = 1 / sqrt(1 / 100000 + var7[n, i1])
    r7 = np.add(var7, 1e-05, out=var7)
    np.sqrt(r7, out=r7)
    np.reciprocal(r7, out=r7)

    # (25) xhat7[n, i1, i] = (x2[n, i1, i] - mu7[n, i1]) * r7[n, i1]
    xhat7 = np.multiply(subtract_23, r7[:, :, None], out=subtract_23)

    # (26) z7[n, i1, i] = gamma7[i] * xhat7[n, i1, i] + beta7[i]
    z7 = np.multiply(xhat7, gamma7, out=xhat7)
    np.add(z7, beta7, out=z7)

    # (27) q8[n, h, t, e] = sum[i](W8_q[i, h, e] * z7[n, t, i])
    q8 = work.q8
    np.matmul(z7.reshape(64 * N, 64), W8_q.reshape(64, 64), out=q8.reshape(64 * N, 64))

    # (28) k8[n, h, t, e] = sum[i](W8_k[i, h, e] * z7[n, t, i])
    k8 = work.k8
    np.matmul(z7.reshape(64 * N, 64), W8_k.reshape(64, 64), out=k8.reshape(64 * N, 64))

    # (31) v8[n, h, t, e] = sum[i](W8_v[i, h, e] * z7[n, t, i])
    v8 = work.v8
    np.matmul(z7.reshape(64 * N, 64), W8_v.reshape(64, 64), out=v8.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 3, 1)[rows]
        v8_rows = v8.transpose(0, 2, 1, 3)[rows]
        # (29) s8[n, h, t, j] = sum[d](k8[n, h, j, d] * q8[n, h, t, d]) / 4
        s8 = np.matmul(q8_rows, k8_rows, out=work.s8[part])
        s8 /= 4.0
        # (30) p8[n, h, t, j] = [j <= t] * exp(s8[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s8[n, h, t, i], -1e30)))
        p8 = s8
        np.copyto(p8, -1e30, where=work.fixed_64)
        largest_30 = _largest(p8, out=work.largest_10[part])
        p8 -= largest_30[:, :, :, None]
        np.exp(p8, out=p8)
        total_30 = np.matmul(p8, work.ones_64, out=work.largest_10[part])
        p8 /= total_30[:, :, :, None]
        np.copyto(p8, 0.0, where=work.fixed_64)
        # (32) o8[n, h, t, e] = sum[j](p8[n, h, t, j] * v8[n, h, j, e])
        o8 = work.o8[rows]
        np.matmul(p8, v8_rows, out=o8.transpose(0, 2, 1, 3))
    o8 = work.o8

    # (33) x3[n, i, d] = x2[n, i, d] + sum[h, e](W8_o[h, e, d] * o8[n, h, i, e])
    x3 = work.x3
    np.matmul(o8.reshape(64 * N, 64), W8_o.reshape(64, 64), out=x3.reshape(64 * N, 64))
    x3 += x2

    # (34) mu9[n, i1] = sum[i](x3[n, i1, i]) / 64
    mu9 = np.matmul(x3, work.ones_64, out=work.mu9)
    mu9 /= 64.0

    # (35) var9[n, i1] = sum[i]((x3[n, i1, i] - mu9[n, i1])**2) / 64
    subtract_35 = np.subtract(x3, mu9[:, :, None], out=work.x2)
    var9 = np.einsum("...i,...i->...", subtract_35, subtract_35, out=work.mu9)
    var9 /= 64.0

    # (36) r9[n, i1] = 1 / sqrt(1 / 100000 + var9[n, i1])
    r9 = np.add(var9, 1e-05, out=var9)
    np.sqrt(r9, out=r9)
    np.reciprocal(r9, out=r9)

    # (37) xhat9[n, i1, i] = (x3[n, i1, i] - mu9[n, i1]) * r9[n, i1]
    xhat9 = np.multiply(subtract_35, r9[:, :, None], out=subtract_35)

    # (38) z9[n, i1, i] = gamma9[i] * xhat9[n, i1, i] + beta9[i]
    z9 = np.multiply(xhat9, gamma9, out=xhat9)
    np.add(z9, beta9, out=z9)

    # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
    z10 = work.z5
    np.matmul(z9.reshape(64 * N, 64), W10, out=z10.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z10_rows = z10[rows]
        # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
        np.add(z10_rows, b10, out=z10_rows)
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        multiply_40 = np.multiply(z10_rows, z10_rows, out=work.multiply_20[part])
        multiply_40 *= z10_rows
        multiply_40 *= 0.044715
        multiply_40 += z10_rows
        multiply_40 *= -1.5957691216057308
        np.exp(multiply_40, out=multiply_40)
        multiply_40 += 1.0
        np.reciprocal(multiply_40, out=multiply_40)
        z10_rows *= multiply_40
    z_x4 = z10

    # (41) x4[n, i, d] = b11[d] + x3[n, i, d] + sum[i1](W11[i1, d] * z_x4[n, i, i1])
    x4 = work.x4
    np.matmul(z_x4.reshape(64 * N, 256), W11, out=x4.reshape(64 * N, 64))
    add_41 = np.add(x3, b11, out=x3)
    x4 += add_41

    # (42) mu12[n, i1] = sum[i](x4[n, i1, i]) / 64
    mu12 = np.matmul(x4, work.ones_64, out=work.mu12)
    mu12 /= 64.0

    # (43) var12[n, i1] = sum[i]((x4[n, i1, i] - mu12[n, i1])**2) / 64
    subtract_43 = np.subtract(x4, mu12[:, :, None], out=x4)
    var12 = np.einsum("...i,...i->...", subtract_43, subtract_43, out=work.mu12)
    var12 /= 64.0

    # (44) r12[n, i1] = 1 / sqrt(1 / 100000 + var12[n, i1])
    r12 = np.add(var12, 1e-05, out=var12)
    np.sqrt(r12, out=r12)
    np.reciprocal(r12, out=r12)

    # (45) xhat12[n, i1, i] = (x4[n, i1, i] - mu12[n, i1]) * r12[n, i1]
    xhat12 = np.multiply(subtract_43, r12[:, :, None], out=subtract_43)

    # (46) z12[n, i1, i] = gamma12[i] * xhat12[n, i1, i] + beta12[i]
    z12 = np.multiply(xhat12, gamma12, out=xhat12)
    np.add(z12, beta12, out=z12)

    # (47) z13[n, i1, j] = b13[j] + sum[i](W13[i, j] * z12[n, i1, i])
    z13 = work.z13
    np.matmul(z12.reshape(64 * N, 64), W13, out=z13.reshape(64 * N, 61))
    np.add(z13, b13, out=z13)

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    add_49 = np.add(work.fixed_64_3, next.T, out=work.add_49)
    take_49 = z13.take(add_49, out=work.take_49, mode="clip")

    # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
    largest_48 = _largest(z13, out=work.largest_48)
    subtract_48 = np.subtract(z13, largest_48[:, :, None], out=z13)
    np.exp(subtract_48, out=subtract_48)
    total_48 = np.matmul(subtract_48, work.ones_61, out=work.total_48)

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    log_49 = np.log(total_48, out=total_48)
    take_49 -= largest_48.T
    np.subtract(log_49.T, take_49, out=take_49)
    total_49 = float(np.add.reduce(take_49, axis=None))
    loss = total_49 / (64 * N)

    return loss


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def loss_and_grads(params, *, ids, next, workspace=None, training=True):
    """Return the loss and its gradients by parameter and input names."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    N = work.N
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    position = params["position"]
    E1 = params["E1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3_q = params["W3_q"]
    W3_k = params["W3_k"]
    W3_v = params["W3_v"]
    W3_o = params["W3_o"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    W6 = params["W6"]
    b6 = params["b6"]
    gamma7 = params["gamma7"]
    beta7 = params["beta7"]
    W8_q = params["W8_q"]
    W8_k = params["W8_k"]
    W8_v = params["W8_v"]
    W8_o = params["W8_o"]
    gamma9 = params["gamma9"]
    beta9 = params["beta9"]
    W10 = params["W10"]
    b10 = params["b10"]
    W11 = params["W11"]
    b11 = params["b11"]
    gamma12 = params["gamma12"]
    beta12 = params["beta12"]
    W13 = params["W13"]
    b13 = params["b13"]

    # (1) x0[n, i, d] = E1[ids[n, i], d] + position[i, d]
    x0 = E1.take(ids, axis=0, out=work.x0, mode="clip")
    np.add(x0, position, out=x0)

    # (2) mu2[n, i1] = sum[i](x0[n, i1, i]) / 64
    mu2 = np.matmul(x0, work.ones_64, out=work.mu2)
    mu2 /= 64.0

    # (3) var2[n, i1] = sum[i]((x0[n, i1, i] - mu2[n, i1])**2) / 64
    subtract_3 = np.subtract(x0, mu2[:, :, None], out=work.subtract_3)
    var2 = np.einsum("...i,...i->...", subtract_3, subtract_3, out=work.mu2)
    var2 /= 64.0

    # (4) r2[n, i1] = 1 / sqrt(1 / 100000 + var2[n, i1])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) xhat2[n, i1, i] = (x0[n, i1, i] - mu2[n, i1]) * r2[n, i1]
    xhat2 = np.multiply(subtract_3, r2[:, :, None], out=subtract_3)

    # (6) z2[n, i1, i] = gamma2[i] * xhat2[n, i1, i] + beta2[i]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (7) q3[n, h, t, e] = sum[i](W3_q[i, h, e] * z2[n, t, i])
    q3 = work.q3
    np.matmul(z2.reshape(64 * N, 64), W3_q.reshape(64, 64), out=q3.reshape(64 * N, 64))

    # (8) k3[n, h, t, e] = sum[i](W3_k[i, h, e] * z2[n, t, i])
    k3 = work.k3
    np.matmul(z2.reshape(64 * N, 64), W3_k.reshape(64, 64), out=k3.reshape(64 * N, 64))

    # (11) v3[n, h, t, e] = sum[i](W3_v[i, h, e] * z2[n, t, i])
    v3 = work.v3
    np.matmul(z2.reshape(64 * N, 64), W3_v.reshape(64, 64), out=v3.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 3, 1)[rows]
        v3_rows = v3.transpose(0, 2, 1, 3)[rows]
        # (9) s3[n, h, t, j] = sum[d](k3[n, h, j, d] * q3[n, h, t, d]) / 4
        s3 = np.matmul(q3_rows, k3_rows, out=work.s3[rows])
        s3 /= 4.0
        # (10) p3[n, h, t, j] = [j <= t] * exp(s3[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s3[n, h, t, i], -1e30)))
        p3 = s3
        np.copyto(p3, -1e30, where=work.fixed_64)
        largest_10 = _largest(p3, out=work.largest_10[part])
        p3 -= largest_10[:, :, :, None]
        np.exp(p3, out=p3)
        total_10 = np.matmul(p3, work.ones_64, out=work.largest_10[part])
        p3 /= total_10[:, :, :, None]
        np.copyto(p3, 0.0, where=work.fixed_64)
        # (12) o3[n, h, t, e] = sum[j](p3[n, h, t, j] * v3[n, h, j, e])
        o3 = work.o3[rows]
        np.matmul(p3, v3_rows, out=o3.transpose(0, 2, 1, 3))
    p3 = work.s3
    o3 = work.o3

    # (13) x1[n, i, d] = x0[n, i, d] + sum[h, e](W3_o[h, e, d] * o3[n, h, i, e])
    x1 = work.x1
    np.matmul(o3.reshape(64 * N, 64), W3_o.reshape(64, 64), out=x1.reshape(64 * N, 64))
    x1 += x0

    # (14) mu4[n, i1] = sum[i](x1[n, i1, i]) / 64
    mu4 = np.matmul(x1, work.ones_64, out=work.mu4)
    mu4 /= 64.0

    # (15) var4[n, i1] = sum[i]((x1[n, i1, i] - mu4[n, i1])**2) / 64
    subtract_15 = np.subtract(x1, mu4[:, :, None], out=work.x0)
    var4 = np.einsum("...i,...i->...", subtract_15, subtract_15, out=work.mu4)
    var4 /= 64.0

    # (16) r4[n, i1] = 1 / sqrt(1 / 100000 + var4[n, i1])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (17) xhat4[n, i1, i] = (x1[n, i1, i] - mu4[n, i1]) * r4[n, i1]
    xhat4 = np.multiply(subtract_15, r4[:, :, None], out=subtract_15)

    # (18) z4[n, i1, i] = gamma4[i] * xhat4[n, i1, i] + beta4[i]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
    z5 = work.z5
    np.matmul(z4.reshape(64 * N, 64), W5, out=z5.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z5_rows = z5[rows]
        # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
        np.add(z5_rows, b5, out=z5_rows)
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        multiply_20 = np.multiply(z5_rows, z5_rows, out=work.multiply_20[part])
        multiply_20 *= z5_rows
        multiply_20 *= 0.044715
        multiply_20 += z5_rows
        multiply_20 *= -1.5957691216057308
        np.exp(multiply_20, out=multiply_20)
        multiply_20 += 1.0
        np.reciprocal(multiply_20, out=multiply_20)
        # (87) dz5, the part that is known already
        subtract_87 = np.subtract(1.0, multiply_20, out=work.subtract_87[part])
        subtract_87 *= 0.7978845608028654
        subtract_87 *= multiply_20
        subtract_87 *= z5_rows
        multiply_87 = np.multiply(subtract_87, z5_rows, out=work.multiply_87[rows])
        multiply_87 *= z5_rows
        multiply_87 *= 0.134145
        multiply_87 += subtract_87
        multiply_87 *= 2.0
        multiply_87 += multiply_20
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        z5_rows *= multiply_20
    multiply_87 = work.multiply_87
    z_x2 = z5

    # (21) x2[n, i, d] = b6[d] + x1[n, i, d] + sum[i1](W6[i1, d] * z_x2[n, i, i1])
    x2 = work.x2
    np.matmul(z_x2.reshape(64 * N, 256), W6, out=x2.reshape(64 * N, 64))
    add_21 = np.add(x1, b6, out=x1)
    x2 += add_21

    # (22) mu7[n, i1] = sum[i](x2[n, i1, i]) / 64
    mu7 = np.matmul(x2, work.ones_64, out=work.mu7)
    mu7 /= 64.0

    # (23) var7[n, i1] = sum[i]((x2[n, i1, i] - mu7[n, i1])**2) / 64
    subtract_23 = np.subtract(x2, mu7[:, :, None], out=work.x1)
    var7 = np.einsum("...i,...i->...", subtract_23, subtract_23, out=work.mu7)
    var7 /= 64.0

    # (24) r7[n, i1] = 1 / sqrt(1 / 100000 + var7[n, i1])
    r7 = np.add(var7, 1e-05, out=var7)
    np.sqrt(r7, out=r7)
    np.reciprocal(r7, out=r7)

    # (25) xhat7[n, i1, i] = (x2[n, i1, i] - mu7[n, i1]) * r7[n, i1]
    xhat7 = np.multiply(subtract_23, r7[:, :, None], out=subtract_23)

    # (26) z7[n, i1, i] = gamma7[i] * xhat7[n, i1, i] + beta7[i]
    z7 = np.multiply(xhat7, gamma7, out=work.z7)
    np.add(z7, beta7, out=z7)

    # (27) q8[n, h, t, e] = sum[i](W8_q[i, h, e] * z7[n, t, i])
    q8 = work.q8
    np.matmul(z7.reshape(64 * N, 64), W8_q.reshape(64, 64), out=q8.reshape(64 * N, 64))

    # (28) k8[n, h, t, e] = sum[i](W8_k[i, h, e] * z7[n, t, i])
    k8 = work.k8
    np.matmul(z7.reshape(64 * N, 64), W8_k.reshape(64, 64), out=k8.reshape(64 * N, 64))

    # (31) v8[n, h, t, e] = sum[i](W8_v[i, h, e] * z7[n, t, i])
    v8 = work.v8
    np.matmul(z7.reshape(64 * N, 64), W8_v.reshape(64, 64), out=v8.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 3, 1)[rows]
        v8_rows = v8.transpose(0, 2, 1, 3)[rows]
        # (29) s8[n, h, t, j] = sum[d](k8[n, h, j, d] * q8[n, h, t, d]) / 4
        s8 = np.matmul(q8_rows, k8_rows, out=work.s8[rows])
        s8 /= 4.0
        # (30) p8[n, h, t, j] = [j <= t] * exp(s8[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s8[n, h, t, i], -1e30)))
        p8 = s8
        np.copyto(p8, -1e30, where=work.fixed_64)
        largest_30 = _largest(p8, out=work.largest_10[part])
        p8 -= largest_30[:, :, :, None]
        np.exp(p8, out=p8)
        total_30 = np.matmul(p8, work.ones_64, out=work.largest_10[part])
        p8 /= total_30[:, :, :, None]
        np.copyto(p8, 0.0, where=work.fixed_64)
        # (32) o8[n, h, t, e] = sum[j](p8[n, h, t, j] * v8[n, h, j, e])
        o8 = work.o8[rows]
        np.matmul(p8, v8_rows, out=o8.transpose(0, 2, 1, 3))
    p8 = work.s8
    o8 = work.o8

    # (33) x3[n, i, d] = x2[n, i, d] + sum[h, e](W8_o[h, e, d] * o8[n, h, i, e])
    x3 = work.x3
    np.matmul(o8.reshape(64 * N, 64), W8_o.reshape(64, 64), out=x3.reshape(64 * N, 64))
    x3 += x2

    # (34) mu9[n, i1] = sum[i](x3[n, i1, i]) / 64
    mu9 = np.matmul(x3, work.ones_64, out=work.mu9)
    mu9 /= 64.0

    # (35) var9[n, i1] = sum[i]((x3[n, i1, i] - mu9[n, i1])**2) / 64
    subtract_35 = np.subtract(x3, mu9[:, :, None], out=work.x2)
    var9 = np.einsum("...i,...i->...", subtract_35, subtract_35, out=work.mu9)
    var9 /= 64.0

    # (36) r9[n, i1] = 1 / sqrt(1 / 100000 + var9[n, i1])
    r9 = np.add(var9, 1e-05, out=var9)
    np.sqrt(r9, out=r9)
    np.reciprocal(r9, out=r9)

    # (37) xhat9[n, i1, i] = (x3[n, i1, i] - mu9[n, i1]) * r9[n, i1]
    xhat9 = np.multiply(subtract_35, r9[:, :, None], out=subtract_35)

    # (38) z9[n, i1, i] = gamma9[i] * xhat9[n, i1, i] + beta9[i]
    z9 = np.multiply(xhat9, gamma9, out=work.z9)
    np.add(z9, beta9, out=z9)

    # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
    z10 = work.multiply_20
    np.matmul(z9.reshape(64 * N, 64), W10, out=z10.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z10_rows = z10[rows]
        # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
        np.add(z10_rows, b10, out=z10_rows)
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        multiply_40 = np.multiply(z10_rows, z10_rows, out=work.subtract_87[part])
        multiply_40 *= z10_rows
        multiply_40 *= 0.044715
        multiply_40 += z10_rows
        multiply_40 *= -1.5957691216057308
        np.exp(multiply_40, out=multiply_40)
        multiply_40 += 1.0
        np.reciprocal(multiply_40, out=multiply_40)
        # (61) dz10, the part that is known already
        subtract_61 = np.subtract(1.0, multiply_40, out=work.subtract_61[part])
        subtract_61 *= 0.7978845608028654
        subtract_61 *= multiply_40
        subtract_61 *= z10_rows
        multiply_61 = np.multiply(subtract_61, z10_rows, out=work.multiply_61[rows])
        multiply_61 *= z10_rows
        multiply_61 *= 0.134145
        multiply_61 += subtract_61
        multiply_61 *= 2.0
        multiply_61 += multiply_40
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        z10_rows *= multiply_40
    multiply_61 = work.multiply_61
    z_x4 = z10

    # (41) x4[n, i, d] = b11[d] + x3[n, i, d] + sum[i1](W11[i1, d] * z_x4[n, i, i1])
    x4 = work.x4
    np.matmul(z_x4.reshape(64 * N, 256), W11, out=x4.reshape(64 * N, 64))
    add_41 = np.add(x3, b11, out=x3)
    x4 += add_41

    # (42) mu12[n, i1] = sum[i](x4[n, i1, i]) / 64
    mu12 = np.matmul(x4, work.ones_64, out=work.mu12)
    mu12 /= 64.0

    # (43) var12[n, i1] = sum[i]((x4[n, i1, i] - mu12[n, i1])**2) / 64
    subtract_43 = np.subtract(x4, mu12[:, :, None], out=x4)
    var12 = np.einsum("...i,...i->...", subtract_43, subtract_43, out=work.mu12)
    var12 /= 64.0

    # (44) r12[n, i1] = 1 / sqrt(1 / 100000 + var12[n, i1])
    r12 = np.add(var12, 1e-05, out=var12)
    np.sqrt(r12, out=r12)
    np.reciprocal(r12, out=r12)

    # (45) xhat12[n, i1, i] = (x4[n, i1, i] - mu12[n, i1]) * r12[n, i1]
    xhat12 = np.multiply(subtract_43, r12[:, :, None], out=subtract_43)

    # (46) z12[n, i1, i] = gamma12[i] * xhat12[n, i1, i] + beta12[i]
    z12 = np.multiply(xhat12, gamma12, out=work.x3)
    np.add(z12, beta12, out=z12)

    # (47) z13[n, i1, j] = b13[j] + sum[i](W13[i, j] * z12[n, i1, i])
    z13 = work.z13
    np.matmul(z12.reshape(64 * N, 64), W13, out=z13.reshape(64 * N, 61))
    np.add(z13, b13, out=z13)

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    add_49 = np.add(work.fixed_64_3, next.T, out=work.add_49)
    take_49 = z13.take(add_49, out=work.take_49, mode="clip")

    # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
    largest_48 = _largest(z13, out=work.largest_48)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        z13_rows = z13[rows]
        largest_48_rows = largest_48[:, :, None][rows]
        # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
        z13_rows -= largest_48_rows
        np.exp(z13_rows, out=z13_rows)
        total_48 = np.matmul(z13_rows, work.ones_61, out=work.total_48[rows])
        z13_rows /= total_48[:, :, None]
    total_48 = work.total_48
    p = z13

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    log_49 = np.log(total_48, out=total_48)
    take_49 -= largest_48.T
    np.subtract(log_49.T, take_49, out=take_49)
    total_49 = float(np.add.reduce(take_49, axis=None))
    loss = total_49 / (64 * N)

    # (50) dz13[n, i, j] = (p[n, i, j] - [j = next[n, i]]) / (64 * N)
    add_50 = np.add(work.fixed_N_2, next, out=work.add_50)
    take_50 = p.take(add_50, out=work.total_48, mode="clip")
    take_50 -= 1.0
    dz13 = p
    dz13.put(add_50, take_50)
    dz13 /= 64 * N

    # (51) dW13[i, j] = sum[n, i1](dz13[n, i1, j] * z12[n, i1, i])
    dW13 = z12.reshape(64 * N, 64).T.dot(dz13.reshape(64 * N, 61), out=work.dW13)

    # (52) db13[j] = sum[n, i](dz13[n, i, j])
    db13 = work.ones_64_N.dot(dz13.reshape(64 * N, 61), out=work.db13)

    # (53) dz12[n, i1, i] = sum[j](W13[i, j] * dz13[n, i1, j])
    dz12 = work.x3
    np.matmul(dz13.reshape(64 * N, 61), W13.T, out=dz12.reshape(64 * N, 64))

    # (54) dbeta12[i] = sum[n, i1](dz12[n, i1, i])
    dbeta12 = work.ones_64_N.dot(dz12.reshape(64 * N, 64), out=work.dbeta12)

    # (55) dgamma12[i] = sum[n, i1](dz12[n, i1, i] * xhat12[n, i1, i])
    dgamma12 = np.einsum(
        "...i,...i->...",
        dz12.reshape(64 * N, 64).T,
        xhat12.reshape(64 * N, 64).T,
        out=work.dgamma12,
    )

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        dz12_rows = dz12[rows]
        xhat12_rows = xhat12[rows]
        r12_rows = r12[:, :, None][rows]
        # (56) dxhat12[n, i1, i] = gamma12[i] * dz12[n, i1, i]
        np.multiply(dz12_rows, gamma12, out=dz12_rows)
        # (57) dx4[n, i1, i] = (dxhat12[n, i1, i] - sum[i2](dxhat12[n, i1, i2]) / 64 -
        #     xhat12[n, i1, i] * sum[i2](dxhat12[n, i1, i2] * xhat12[n, i1, i2]) / 64) *
        #     r12[n, i1]
        total_57 = np.matmul(dz12_rows, work.ones_64, out=work.total_48[part])
        inner_57 = np.einsum(
            "...i,...i->...", dz12_rows, xhat12_rows, out=work.largest_48[part]
        )
        xhat12_rows *= inner_57[:, :, None]
        total_57 /= 64.0
        dz12_rows -= total_57[:, :, None]
        xhat12_rows /= 64.0
        dz12_rows -= xhat12_rows
        dz12_rows *= r12_rows
    dx4 = dz12

    # (58) dW11[i1, d] = sum[n, i](dx4[n, i, d] * z_x4[n, i, i1])
    dW11 = np.matmul(
        z_x4.reshape(64 * N, 256).T, dx4.reshape(64 * N, 64), out=work.dW11
    )

    # (59) db11[d] = sum[n, i](dx4[n, i, d])
    db11 = work.ones_64_N.dot(dx4.reshape(64 * N, 64), out=work.db11)

    # (60) dz_x4[n, i, i1] = sum[d](W11[i1, d] * dx4[n, i, d])
    dz_x4 = work.multiply_20
    np.matmul(dx4.reshape(64 * N, 64), W11.T, out=dz_x4.reshape(64 * N, 256))

    # (61) dz10[n, i1, j] = (2 * sqrt(2) * (1 - sigmoid(2 * sqrt(2) * (8943 * z10[n, i1,
    #     j]**3 / 200000 + z10[n, i1, j]) / sqrt(pi))) * (1 + 26829 * z10[n, i1, j]**2 /
    #     200000) * z10[n, i1, j] * sigmoid(2 * sqrt(2) * (8943 * z10[n, i1, j]**3 /
    #     200000 + z10[n, i1, j]) / sqrt(pi)) / sqrt(pi) + sigmoid(2 * sqrt(2) * (8943 *
    #     z10[n, i1, j]**3 / 200000 + z10[n, i1, j]) / sqrt(pi))) * dz_x4[n, i1, j]
    dz10 = np.multiply(dz_x4, multiply_61, out=dz_x4)

    # (62) dW10[i, j] = sum[n, i1](dz10[n, i1, j] * z9[n, i1, i])
    dW10 = np.matmul(z9.reshape(64 * N, 64).T, dz10.reshape(64 * N, 256), out=work.dW10)

    # (63) db10[j] = sum[n, i](dz10[n, i, j])
    db10 = work.ones_64_N.dot(dz10.reshape(64 * N, 256), out=work.db10)

    # (64) dz9[n, i1, i] = sum[j](W10[i, j] * dz10[n, i1, j])
    dz9 = work.z9
    np.matmul(dz10.reshape(64 * N, 256), W10.T, out=dz9.reshape(64 * N, 64))

    # (65) dbeta9[i] = sum[n, i1](dz9[n, i1, i])
    dbeta9 = work.ones_64_N.dot(dz9.reshape(64 * N, 64), out=work.dbeta9)

    # (66) dgamma9[i] = sum[n, i1](dz9[n, i1, i] * xhat9[n, i1, i])
    dgamma9 = np.einsum(
        "...i,...i->...",
        dz9.reshape(64 * N, 64).T,
        xhat9.reshape(64 * N, 64).T,
        out=work.dgamma9,
    )

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        dz9_rows = dz9[rows]
        xhat9_rows = xhat9[rows]
        r9_rows = r9[:, :, None][rows]
        dx4_rows = dx4[rows]
        # (67) dxhat9[n, i1, i] = gamma9[i] * dz9[n, i1, i]
        np.multiply(dz9_rows, gamma9, out=dz9_rows)
        # (68) dx3[n, i1, i] = (dxhat9[n, i1, i] - sum[i2](dxhat9[n, i1, i2]) / 64 -
        #     xhat9[n, i1, i] * sum[i2](dxhat9[n, i1, i2] * xhat9[n, i1, i2]) / 64) *
        #     r9[n, i1] + dx4[n, i1, i]
        total_68 = np.matmul(dz9_rows, work.ones_64, out=work.mu12[part])
        inner_68 = np.einsum(
            "...i,...i->...", dz9_rows, xhat9_rows, out=work.total_48[part]
        )
        xhat9_rows *= inner_68[:, :, None]
        total_68 /= 64.0
        dz9_rows -= total_68[:, :, None]
        xhat9_rows /= 64.0
        dz9_rows -= xhat9_rows
        dz9_rows *= r9_rows
        dx4_rows += dz9_rows
    dx3 = dx4

    # (69) dW8_o[h, e, d] = sum[n, i](dx3[n, i, d] * o8[n, h, i, e])
    dW8_o = work.dW8_o
    o8.reshape(64 * N, 64).T.dot(dx3.reshape(64 * N, 64), out=dW8_o.reshape(64, 64))

    # (70) do8[n, h, i, e] = sum[d](W8_o[h, e, d] * dx3[n, i, d])
    do8 = work.o8
    np.matmul(
        dx3.reshape(64 * N, 64), W8_o.reshape(64, 64).T, out=do8.reshape(64 * N, 64)
    )

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        do8_rows = do8.transpose(0, 2, 1, 3)[rows]
        v8_rows = v8.transpose(0, 2, 3, 1)[rows]
        p8_rows = p8.transpose(0, 1, 3, 2)[rows]
        p8_rows_2 = p8[rows]
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 1, 3)[rows]
        # (71) dp8[n, h, t, j] = sum[e](do8[n, h, t, e] * v8[n, h, j, e])
        dp8 = np.matmul(do8_rows, v8_rows, out=work.dp8[part])
        # (72) dv8[n, h, j, e] = sum[t](do8[n, h, t, e] * p8[n, h, t, j])
        dv8 = work.v8[rows]
        np.matmul(p8_rows, do8_rows, out=dv8.transpose(0, 2, 1, 3))
        # (74) ds8[n, h, t, i] = (dp8[n, h, t, i] - sum[j](dp8[n, h, t, j] * p8[n, h, t,
        #     j])) * p8[n, h, t, i]
        inner_74 = np.einsum(
            "...i,...i->...", dp8, p8_rows_2, out=work.largest_10[part]
        )
        subtract_74 = np.subtract(dp8, inner_74[:, :, :, None], out=dp8)
        p8_rows_2 *= subtract_74
        # (75) dk8[n, h, j, d] = sum[t](ds8[n, h, t, j] * q8[n, h, t, d]) / 4
        dk8 = work.o8[rows]
        np.matmul(
            p8_rows_2.transpose(0, 1, 3, 2), q8_rows, out=dk8.transpose(0, 2, 1, 3)
        )
        dk8 /= 4.0
        # (76) dq8[n, h, t, d] = sum[j](ds8[n, h, t, j] * k8[n, h, j, d]) / 4
        dq8 = work.q8[rows]
        np.matmul(p8_rows_2, k8_rows, out=dq8.transpose(0, 2, 1, 3))
        dq8 /= 4.0
    dv8 = work.v8
    dk8 = work.o8
    dq8 = work.q8

    # (73) dW8_v[i, h, e] = sum[n, t](z7[n, t, i] * dv8[n, h, t, e])
    dW8_v = work.dW8_v
    z7.reshape(64 * N, 64).T.dot(dv8.reshape(64 * N, 64), out=dW8_v.reshape(64, 64))

    # (77) dW8_k[i, h, e] = sum[n, t](z7[n, t, i] * dk8[n, h, t, e])
    dW8_k = work.dW8_k
    z7.reshape(64 * N, 64).T.dot(dk8.reshape(64 * N, 64), out=dW8_k.reshape(64, 64))

    # (78) dW8_q[i, h, e] = sum[n, t](z7[n, t, i] * dq8[n, h, t, e])
    dW8_q = work.dW8_q
    z7.reshape(64 * N, 64).T.dot(dq8.reshape(64 * N, 64), out=dW8_q.reshape(64, 64))

    # (79) dz7[n, t, i] = sum[h, e](W8_k[i, h, e] * dk8[n, h, t, e]) + sum[h, e](W8_q[i,
    #     h, e] * dq8[n, h, t, e]) + sum[h, e](W8_v[i, h, e] * dv8[n, h, t, e])
    product_79 = work.z7
    np.matmul(
        dk8.reshape(64 * N, 64),
        W8_k.reshape(64, 64).T,
        out=product_79.reshape(64 * N, 64),
    )
    product_79_2 = work.z9
    np.matmul(
        dq8.reshape(64 * N, 64),
        W8_q.reshape(64, 64).T,
        out=product_79_2.reshape(64 * N, 64),
    )
    dz7 = work.x2
    np.matmul(
        dv8.reshape(64 * N, 64), W8_v.reshape(64, 64).T, out=dz7.reshape(64 * N, 64)
    )
    product_79_2 += product_79
    dz7 += product_79_2

    # (80) dbeta7[i] = sum[n, i1](dz7[n, i1, i])
    dbeta7 = work.ones_64_N.dot(dz7.reshape(64 * N, 64), out=work.dbeta7)

    # (81) dgamma7[i] = sum[n, i1](dz7[n, i1, i] * xhat7[n, i1, i])
    dgamma7 = np.einsum(
        "...i,...i->...",
        dz7.reshape(64 * N, 64).T,
        xhat7.reshape(64 * N, 64).T,
        out=work.dgamma7,
    )

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        dz7_rows = dz7[rows]
        xhat7_rows = xhat7[rows]
        r7_rows = r7[:, :, None][rows]
        dx3_rows = dx3[rows]
        # (82) dxhat7[n, i1, i] = gamma7[i] * dz7[n, i1, i]
        np.multiply(dz7_rows, gamma7, out=dz7_rows)
        # (83) dx2[n, i1, i] = (dxhat7[n, i1, i] - sum[i2](dxhat7[n, i1, i2]) / 64 -
        #     xhat7[n, i1, i] * sum[i2](dxhat7[n, i1, i2] * xhat7[n, i1, i2]) / 64) *
        #     r7[n, i1] + dx3[n, i1, i]
        total_83 = np.matmul(dz7_rows, work.ones_64, out=work.mu9[part])
        inner_83 = np.einsum(
            "...i,...i->...", dz7_rows, xhat7_rows, out=work.mu12[part]
        )
        xhat7_rows *= inner_83[:, :, None]
        total_83 /= 64.0
        dz7_rows -= total_83[:, :, None]
        xhat7_rows /= 64.0
        dz7_rows -= xhat7_rows
        dz7_rows *= r7_rows
        dx3_rows += dz7_rows
    dx2 = dx3

    # (84) dW6[i1, d] = sum[n, i](dx2[n, i, d] * z_x2[n, i, i1])
    dW6 = np.matmul(z_x2.reshape(64 * N, 256).T, dx2.reshape(64 * N, 64), out=work.dW6)

    # (85) db6[d] = sum[n, i](dx2[n, i, d])
    db6 = work.ones_64_N.dot(dx2.reshape(64 * N, 64), out=work.db6)

    # (86) dz_x2[n, i, i1] = sum[d](W6[i1, d] * dx2[n, i, d])
    dz_x2 = work.z5
    np.matmul(dx2.reshape(64 * N, 64), W6.T, out=dz_x2.reshape(64 * N, 256))

    # (87) dz5[n, i1, j] = (2 * sqrt(2) * (1 - sigmoid(2 * sqrt(2) * (8943 * z5[n, i1,
    #     j]**3 / 200000 + z5[n, i1, j]) / sqrt(pi))) * (1 + 26829 * z5[n, i1, j]**2 /
    #     200000) * z5[n, i1, j] * sigmoid(2 * sqrt(2) * (8943 * z5[n, i1, j]**3 /
    #     200000 + z5[n, i1, j]) / sqrt(pi)) / sqrt(pi) + sigmoid(2 * sqrt(2) * (8943 *
    #     z5[n, i1, j]**3 / 200000 + z5[n, i1, j]) / sqrt(pi))) * dz_x2[n, i1, j]
    dz5 = np.multiply(dz_x2, multiply_87, out=dz_x2)

    # (88) dW5[i, j] = sum[n, i1](dz5[n, i1, j] * z4[n, i1, i])
    dW5 = np.matmul(z4.reshape(64 * N, 64).T, dz5.reshape(64 * N, 256), out=work.dW5)

    # (89) db5[j] = sum[n, i](dz5[n, i, j])
    db5 = work.ones_64_N.dot(dz5.reshape(64 * N, 256), out=work.db5)

    # (90) dz4[n, i1, i] = sum[j](W5[i, j] * dz5[n, i1, j])
    dz4 = work.z4
    np.matmul(dz5.reshape(64 * N, 256), W5.T, out=dz4.reshape(64 * N, 64))

    # (91) dbeta4[i] = sum[n, i1](dz4[n, i1, i])
    dbeta4 = work.ones_64_N.dot(dz4.reshape(64 * N, 64), out=work.dbeta4)

    # (92) dgamma4[i] = sum[n, i1](dz4[n, i1, i] * xhat4[n, i1, i])
    dgamma4 = np.einsum(
        "...i,...i->...",
        dz4.reshape(64 * N, 64).T,
        xhat4.reshape(64 * N, 64).T,
        out=work.dgamma4,
    )

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        dz4_rows = dz4[rows]
        xhat4_rows = xhat4[rows]
        r4_rows = r4[:, :, None][rows]
        dx2_rows = dx2[rows]
        # (93) dxhat4[n, i1, i] = gamma4[i] * dz4[n, i1, i]
        np.multiply(dz4_rows, gamma4, out=dz4_rows)
        # (94) dx1[n, i1, i] = (dxhat4[n, i1, i] - sum[i2](dxhat4[n, i1, i2]) / 64 -
        #     xhat4[n, i1, i] * sum[i2](dxhat4[n, i1, i2] * xhat4[n, i1, i2]) / 64) *
        #     r4[n, i1] + dx2[n, i1, i]
        total_94 = np.matmul(dz4_rows, work.ones_64, out=work.mu7[part])
        inner_94 = np.einsum("...i,...i->...", dz4_rows, xhat4_rows, out=work.mu9[part])
        xhat4_rows *= inner_94[:, :, None]
        total_94 /= 64.0
        dz4_rows -= total_94[:, :, None]
        xhat4_rows /= 64.0
        dz4_rows -= xhat4_rows
        dz4_rows *= r4_rows
        dx2_rows += dz4_rows
    dx1 = dx2

    # (95) dW3_o[h, e, d] = sum[n, i](dx1[n, i, d] * o3[n, h, i, e])
    dW3_o = work.dW3_o
    o3.reshape(64 * N, 64).T.dot(dx1.reshape(64 * N, 64), out=dW3_o.reshape(64, 64))

    # (96) do3[n, h, i, e] = sum[d](W3_o[h, e, d] * dx1[n, i, d])
    do3 = work.o3
    np.matmul(
        dx1.reshape(64 * N, 64), W3_o.reshape(64, 64).T, out=do3.reshape(64 * N, 64)
    )

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        do3_rows = do3.transpose(0, 2, 1, 3)[rows]
        v3_rows = v3.transpose(0, 2, 3, 1)[rows]
        p3_rows = p3.transpose(0, 1, 3, 2)[rows]
        p3_rows_2 = p3[rows]
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 1, 3)[rows]
        # (97) dp3[n, h, t, j] = sum[e](do3[n, h, t, e] * v3[n, h, j, e])
        dp3 = np.matmul(do3_rows, v3_rows, out=work.s8[part])
        # (98) dv3[n, h, j, e] = sum[t](do3[n, h, t, e] * p3[n, h, t, j])
        dv3 = work.v3[rows]
        np.matmul(p3_rows, do3_rows, out=dv3.transpose(0, 2, 1, 3))
        # (100) ds3[n, h, t, i] = (dp3[n, h, t, i] - sum[j](dp3[n, h, t, j] * p3[n, h,
        #     t, j])) * p3[n, h, t, i]
        inner_100 = np.einsum(
            "...i,...i->...", dp3, p3_rows_2, out=work.largest_10[part]
        )
        subtract_100 = np.subtract(dp3, inner_100[:, :, :, None], out=dp3)
        p3_rows_2 *= subtract_100
        # (101) dk3[n, h, j, d] = sum[t](ds3[n, h, t, j] * q3[n, h, t, d]) / 4
        dk3 = work.o3[rows]
        np.matmul(
            p3_rows_2.transpose(0, 1, 3, 2), q3_rows, out=dk3.transpose(0, 2, 1, 3)
        )
        dk3 /= 4.0
        # (102) dq3[n, h, t, d] = sum[j](ds3[n, h, t, j] * k3[n, h, j, d]) / 4
        dq3 = work.q3[rows]
        np.matmul(p3_rows_2, k3_rows, out=dq3.transpose(0, 2, 1, 3))
        dq3 /= 4.0
    dv3 = work.v3
    dk3 = work.o3
    dq3 = work.q3

    # (99) dW3_v[i, h, e] = sum[n, t](z2[n, t, i] * dv3[n, h, t, e])
    dW3_v = work.dW3_v
    z2.reshape(64 * N, 64).T.dot(dv3.reshape(64 * N, 64), out=dW3_v.reshape(64, 64))

    # (103) dW3_k[i, h, e] = sum[n, t](z2[n, t, i] * dk3[n, h, t, e])
    dW3_k = work.dW3_k
    z2.reshape(64 * N, 64).T.dot(dk3.reshape(64 * N, 64), out=dW3_k.reshape(64, 64))

    # (104) dW3_q[i, h, e] = sum[n, t](z2[n, t, i] * dq3[n, h, t, e])
    dW3_q = work.dW3_q
    z2.reshape(64 * N, 64).T.dot(dq3.reshape(64 * N, 64), out=dW3_q.reshape(64, 64))

    # (105) dz2[n, t, i] = sum[h, e](W3_k[i, h, e] * dk3[n, h, t, e]) + sum[h,
    #     e](W3_q[i, h, e] * dq3[n, h, t, e]) + sum[h, e](W3_v[i, h, e] * dv3[n, h, t,
    #     e])
    product_105 = work.z2
    np.matmul(
        dk3.reshape(64 * N, 64),
        W3_k.reshape(64, 64).T,
        out=product_105.reshape(64 * N, 64),
    )
    product_105_2 = work.z4
    np.matmul(
        dq3.reshape(64 * N, 64),
        W3_q.reshape(64, 64).T,
        out=product_105_2.reshape(64 * N, 64),
    )
    dz2 = work.x0
    np.matmul(
        dv3.reshape(64 * N, 64), W3_v.reshape(64, 64).T, out=dz2.reshape(64 * N, 64)
    )
    product_105_2 += product_105
    dz2 += product_105_2

    # (106) dbeta2[i] = sum[n, i1](dz2[n, i1, i])
    dbeta2 = work.ones_64_N.dot(dz2.reshape(64 * N, 64), out=work.dbeta2)

    # (107) dgamma2[i] = sum[n, i1](dz2[n, i1, i] * xhat2[n, i1, i])
    dgamma2 = np.einsum(
        "...i,...i->...",
        dz2.reshape(64 * N, 64).T,
        xhat2.reshape(64 * N, 64).T,
        out=work.dgamma2,
    )

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        part = slice(rows.stop - start)
        dz2_rows = dz2[rows]
        xhat2_rows = xhat2[rows]
        r2_rows = r2[:, :, None][rows]
        dx1_rows = dx1[rows]
        # (108) dxhat2[n, i1, i] = gamma2[i] * dz2[n, i1, i]
        np.multiply(dz2_rows, gamma2, out=dz2_rows)
        # (109) dx0[n, i1, i] = (dxhat2[n, i1, i] - sum[i2](dxhat2[n, i1, i2]) / 64 -
        #     xhat2[n, i1, i] * sum[i2](dxhat2[n, i1, i2] * xhat2[n, i1, i2]) / 64) *
        #     r2[n, i1] + dx1[n, i1, i]
        total_109 = np.matmul(dz2_rows, work.ones_64, out=work.mu4[part])
        inner_109 = np.einsum(
            "...i,...i->...", dz2_rows, xhat2_rows, out=work.mu7[part]
        )
        xhat2_rows *= inner_109[:, :, None]
        total_109 /= 64.0
        dz2_rows -= total_109[:, :, None]
        xhat2_rows /= 64.0
        dz2_rows -= xhat2_rows
        dz2_rows *= r2_rows
        dx1_rows += dz2_rows
    dx0 = dx1

    # (110) dE1[i, j] = sum[n, i1](dx0[n, i1, j] * [i = ids[n, i1]])
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_110 = work.copy_110
    np.copyto(copy_110.reshape(64, N), ids.T)
    copy_110_2 = work.copy_110_2
    np.copyto(copy_110_2.reshape(64, N, 64), dx0.transpose(1, 0, 2))
    places_110 = work.places_110
    _at_rows(
        np.add, dE1, copy_110, copy_110_2, work.range_1952.reshape(61, 32), places_110
    )

    # (111) dposition[i, d] = sum[n](dx0[n, i, d])
    dposition = np.add.reduce(dx0, axis=0, out=work.dposition)

    return loss, {
        "position": dposition,
        "E1": dE1,
        "gamma2": dgamma2,
        "beta2": dbeta2,
        "W3_q": dW3_q,
        "W3_k": dW3_k,
        "W3_v": dW3_v,
        "W3_o": dW3_o,
        "gamma4": dgamma4,
        "beta4": dbeta4,
        "W5": dW5,
        "b5": db5,
        "W6": dW6,
        "b6": db6,
        "gamma7": dgamma7,
        "beta7": dbeta7,
        "W8_q": dW8_q,
        "W8_k": dW8_k,
        "W8_v": dW8_v,
        "W8_o": dW8_o,
        "gamma9": dgamma9,
        "beta9": dbeta9,
        "W10": dW10,
        "b10": db10,
        "W11": dW11,
        "b11": db11,
        "gamma12": dgamma12,
        "beta12": dbeta12,
        "W13": dW13,
        "b13": db13,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def sgd_step(params, *, ids, next, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"ids": ids, "next": next}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    ids = np.asarray(ids, dtype=np.intp)
    next = np.asarray(next, dtype=np.intp)
    position = params["position"]
    E1 = params["E1"]
    gamma2 = params["gamma2"]
    beta2 = params["beta2"]
    W3_q = params["W3_q"]
    W3_k = params["W3_k"]
    W3_v = params["W3_v"]
    W3_o = params["W3_o"]
    gamma4 = params["gamma4"]
    beta4 = params["beta4"]
    W5 = params["W5"]
    b5 = params["b5"]
    W6 = params["W6"]
    b6 = params["b6"]
    gamma7 = params["gamma7"]
    beta7 = params["beta7"]
    W8_q = params["W8_q"]
    W8_k = params["W8_k"]
    W8_v = params["W8_v"]
    W8_o = params["W8_o"]
    gamma9 = params["gamma9"]
    beta9 = params["beta9"]
    W10 = params["W10"]
    b10 = params["b10"]
    W11 = params["W11"]
    b11 = params["b11"]
    gamma12 = params["gamma12"]
    beta12 = params["beta12"]
    W13 = params["W13"]
    b13 = params["b13"]

    # (1) x0[n, i, d] = E1[ids[n, i], d] + position[i, d]
    x0 = E1.take(ids, axis=0, out=work.x0, mode="clip")
    np.add(x0, position, out=x0)

    # (2) mu2[n, i1] = sum[i](x0[n, i1, i]) / 64
    mu2 = np.matmul(x0, work.ones_64, out=work.mu2)
    mu2 /= 64.0

    # (3) var2[n, i1] = sum[i]((x0[n, i1, i] - mu2[n, i1])**2) / 64
    subtract_3 = np.subtract(x0, mu2[:, :, None], out=work.subtract_3)
    var2 = np.einsum("...i,...i->...", subtract_3, subtract_3, out=work.mu2)
    var2 /= 64.0

    # (4) r2[n, i1] = 1 / sqrt(1 / 100000 + var2[n, i1])
    r2 = np.add(var2, 1e-05, out=var2)
    np.sqrt(r2, out=r2)
    np.reciprocal(r2, out=r2)

    # (5) xhat2[n, i1, i] = (x0[n, i1, i] - mu2[n, i1]) * r2[n, i1]
    xhat2 = np.multiply(subtract_3, r2[:, :, None], out=subtract_3)

    # (6) z2[n, i1, i] = gamma2[i] * xhat2[n, i1, i] + beta2[i]
    z2 = np.multiply(xhat2, gamma2, out=work.z2)
    np.add(z2, beta2, out=z2)

    # (7) q3[n, h, t, e] = sum[i](W3_q[i, h, e] * z2[n, t, i])
    q3 = work.q3
    np.matmul(z2.reshape(64 * N, 64), W3_q.reshape(64, 64), out=q3.reshape(64 * N, 64))

    # (8) k3[n, h, t, e] = sum[i](W3_k[i, h, e] * z2[n, t, i])
    k3 = work.k3
    np.matmul(z2.reshape(64 * N, 64), W3_k.reshape(64, 64), out=k3.reshape(64 * N, 64))

    # (11) v3[n, h, t, e] = sum[i](W3_v[i, h, e] * z2[n, t, i])
    v3 = work.v3
    np.matmul(z2.reshape(64 * N, 64), W3_v.reshape(64, 64), out=v3.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 3, 1)[rows]
        v3_rows = v3.transpose(0, 2, 1, 3)[rows]
        # (9) s3[n, h, t, j] = sum[d](k3[n, h, j, d] * q3[n, h, t, d]) / 4
        s3 = np.matmul(q3_rows, k3_rows, out=work.s3[rows])
        s3 /= 4.0
        # (10) p3[n, h, t, j] = [j <= t] * exp(s3[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s3[n, h, t, i], -1e30)))
        p3 = s3
        np.copyto(p3, -1e30, where=work.fixed_64)
        largest_10 = _largest(p3, out=work.largest_10[part])
        p3 -= largest_10[:, :, :, None]
        np.exp(p3, out=p3)
        total_10 = np.matmul(p3, work.ones_64, out=work.largest_10[part])
        p3 /= total_10[:, :, :, None]
        np.copyto(p3, 0.0, where=work.fixed_64)
        # (12) o3[n, h, t, e] = sum[j](p3[n, h, t, j] * v3[n, h, j, e])
        o3 = work.o3[rows]
        np.matmul(p3, v3_rows, out=o3.transpose(0, 2, 1, 3))
    p3 = work.s3
    o3 = work.o3

    # (13) x1[n, i, d] = x0[n, i, d] + sum[h, e](W3_o[h, e, d] * o3[n, h, i, e])
    x1 = work.x1
    np.matmul(o3.reshape(64 * N, 64), W3_o.reshape(64, 64), out=x1.reshape(64 * N, 64))
    x1 += x0

    # (14) mu4[n, i1] = sum[i](x1[n, i1, i]) / 64
    mu4 = np.matmul(x1, work.ones_64, out=work.mu4)
    mu4 /= 64.0

    # (15) var4[n, i1] = sum[i]((x1[n, i1, i] - mu4[n, i1])**2) / 64
    subtract_15 = np.subtract(x1, mu4[:, :, None], out=work.x0)
    var4 = np.einsum("...i,...i->...", subtract_15, subtract_15, out=work.mu4)
    var4 /= 64.0

    # (16) r4[n, i1] = 1 / sqrt(1 / 100000 + var4[n, i1])
    r4 = np.add(var4, 1e-05, out=var4)
    np.sqrt(r4, out=r4)
    np.reciprocal(r4, out=r4)

    # (17) xhat4[n, i1, i] = (x1[n, i1, i] - mu4[n, i1]) * r4[n, i1]
    xhat4 = np.multiply(subtract_15, r4[:, :, None], out=subtract_15)

    # (18) z4[n, i1, i] = gamma4[i] * xhat4[n, i1, i] + beta4[i]
    z4 = np.multiply(xhat4, gamma4, out=work.z4)
    np.add(z4, beta4, out=z4)

    # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
    z5 = work.z5
    np.matmul(z4.reshape(64 * N, 64), W5, out=z5.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z5_rows = z5[rows]
        # (19) z5[n, i1, j] = b5[j] + sum[i](W5[i, j] * z4[n, i1, i])
        np.add(z5_rows, b5, out=z5_rows)
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        multiply_20 = np.multiply(z5_rows, z5_rows, out=work.multiply_20[part])
        multiply_20 *= z5_rows
        multiply_20 *= 0.044715
        multiply_20 += z5_rows
        multiply_20 *= -1.5957691216057308
        np.exp(multiply_20, out=multiply_20)
        multiply_20 += 1.0
        np.reciprocal(multiply_20, out=multiply_20)
        # (87) dz5, the part that is known already
        subtract_87 = np.subtract(1.0, multiply_20, out=work.subtract_87[part])
        subtract_87 *= 0.7978845608028654
        subtract_87 *= multiply_20
        subtract_87 *= z5_rows
        multiply_87 = np.multiply(subtract_87, z5_rows, out=work.multiply_87[rows])
        multiply_87 *= z5_rows
        multiply_87 *= 0.134145
        multiply_87 += subtract_87
        multiply_87 *= 2.0
        multiply_87 += multiply_20
        # (20) z_x2[n, i1, j] = gelu_tanh(z5[n, i1, j])
        z5_rows *= multiply_20
    multiply_87 = work.multiply_87
    z_x2 = z5

    # (21) x2[n, i, d] = b6[d] + x1[n, i, d] + sum[i1](W6[i1, d] * z_x2[n, i, i1])
    x2 = work.x2
    np.matmul(z_x2.reshape(64 * N, 256), W6, out=x2.reshape(64 * N, 64))
    add_21 = np.add(x1, b6, out=x1)
    x2 += add_21

    # (22) mu7[n, i1] = sum[i](x2[n, i1, i]) / 64
    mu7 = np.matmul(x2, work.ones_64, out=work.mu7)
    mu7 /= 64.0

    # (23) var7[n, i1] = sum[i]((x2[n, i1, i] - mu7[n, i1])**2) / 64
    subtract_23 = np.subtract(x2, mu7[:, :, None], out=work.x1)
    var7 = np.einsum("...i,...i->...", subtract_23, subtract_23, out=work.mu7)
    var7 /= 64.0

    # (24) r7[n, i1] = 1 / sqrt(1 / 100000 + var7[n, i1])
    r7 = np.add(var7, 1e-05, out=var7)
    np.sqrt(r7, out=r7)
    np.reciprocal(r7, out=r7)

    # (25) xhat7[n, i1, i] = (x2[n, i1, i] - mu7[n, i1]) * r7[n, i1]
    xhat7 = np.multiply(subtract_23, r7[:, :, None], out=subtract_23)

    # (26) z7[n, i1, i] = gamma7[i] * xhat7[n, i1, i] + beta7[i]
    z7 = np.multiply(xhat7, gamma7, out=work.z7)
    np.add(z7, beta7, out=z7)

    # (27) q8[n, h, t, e] = sum[i](W8_q[i, h, e] * z7[n, t, i])
    q8 = work.q8
    np.matmul(z7.reshape(64 * N, 64), W8_q.reshape(64, 64), out=q8.reshape(64 * N, 64))

    # (28) k8[n, h, t, e] = sum[i](W8_k[i, h, e] * z7[n, t, i])
    k8 = work.k8
    np.matmul(z7.reshape(64 * N, 64), W8_k.reshape(64, 64), out=k8.reshape(64 * N, 64))

    # (31) v8[n, h, t, e] = sum[i](W8_v[i, h, e] * z7[n, t, i])
    v8 = work.v8
    np.matmul(z7.reshape(64 * N, 64), W8_v.reshape(64, 64), out=v8.reshape(64 * N, 64))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 3, 1)[rows]
        v8_rows = v8.transpose(0, 2, 1, 3)[rows]
        # (29) s8[n, h, t, j] = sum[d](k8[n, h, j, d] * q8[n, h, t, d]) / 4
        s8 = np.matmul(q8_rows, k8_rows, out=work.s8[rows])
        s8 /= 4.0
        # (30) p8[n, h, t, j] = [j <= t] * exp(s8[n, h, t, j] - logsumexp[i](where(i <=
        #     t, s8[n, h, t, i], -1e30)))
        p8 = s8
        np.copyto(p8, -1e30, where=work.fixed_64)
        largest_30 = _largest(p8, out=work.largest_10[part])
        p8 -= largest_30[:, :, :, None]
        np.exp(p8, out=p8)
        total_30 = np.matmul(p8, work.ones_64, out=work.largest_10[part])
        p8 /= total_30[:, :, :, None]
        np.copyto(p8, 0.0, where=work.fixed_64)
        # (32) o8[n, h, t, e] = sum[j](p8[n, h, t, j] * v8[n, h, j, e])
        o8 = work.o8[rows]
        np.matmul(p8, v8_rows, out=o8.transpose(0, 2, 1, 3))
    p8 = work.s8
    o8 = work.o8

    # (33) x3[n, i, d] = x2[n, i, d] + sum[h, e](W8_o[h, e, d] * o8[n, h, i, e])
    x3 = work.x3
    np.matmul(o8.reshape(64 * N, 64), W8_o.reshape(64, 64), out=x3.reshape(64 * N, 64))
    x3 += x2

    # (34) mu9[n, i1] = sum[i](x3[n, i1, i]) / 64
    mu9 = np.matmul(x3, work.ones_64, out=work.mu9)
    mu9 /= 64.0

    # (35) var9[n, i1] = sum[i]((x3[n, i1, i] - mu9[n, i1])**2) / 64
    subtract_35 = np.subtract(x3, mu9[:, :, None], out=work.x2)
    var9 = np.einsum("...i,...i->...", subtract_35, subtract_35, out=work.mu9)
    var9 /= 64.0

    # (36) r9[n, i1] = 1 / sqrt(1 / 100000 + var9[n, i1])
    r9 = np.add(var9, 1e-05, out=var9)
    np.sqrt(r9, out=r9)
    np.reciprocal(r9, out=r9)

    # (37) xhat9[n, i1, i] = (x3[n, i1, i] - mu9[n, i1]) * r9[n, i1]
    xhat9 = np.multiply(subtract_35, r9[:, :, None], out=subtract_35)

    # (38) z9[n, i1, i] = gamma9[i] * xhat9[n, i1, i] + beta9[i]
    z9 = np.multiply(xhat9, gamma9, out=work.z9)
    np.add(z9, beta9, out=z9)

    # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
    z10 = work.multiply_20
    np.matmul(z9.reshape(64 * N, 64), W10, out=z10.reshape(64 * N, 256))

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        z10_rows = z10[rows]
        # (39) z10[n, i1, j] = b10[j] + sum[i](W10[i, j] * z9[n, i1, i])
        np.add(z10_rows, b10, out=z10_rows)
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        multiply_40 = np.multiply(z10_rows, z10_rows, out=work.subtract_87[part])
        multiply_40 *= z10_rows
        multiply_40 *= 0.044715
        multiply_40 += z10_rows
        multiply_40 *= -1.5957691216057308
        np.exp(multiply_40, out=multiply_40)
        multiply_40 += 1.0
        np.reciprocal(multiply_40, out=multiply_40)
        # (61) dz10, the part that is known already
        subtract_61 = np.subtract(1.0, multiply_40, out=work.subtract_61[part])
        subtract_61 *= 0.7978845608028654
        subtract_61 *= multiply_40
        subtract_61 *= z10_rows
        multiply_61 = np.multiply(subtract_61, z10_rows, out=work.multiply_61[rows])
        multiply_61 *= z10_rows
        multiply_61 *= 0.134145
        multiply_61 += subtract_61
        multiply_61 *= 2.0
        multiply_61 += multiply_40
        # (40) z_x4[n, i1, j] = gelu_tanh(z10[n, i1, j])
        z10_rows *= multiply_40
    multiply_61 = work.multiply_61
    z_x4 = z10

    # (41) x4[n, i, d] = b11[d] + x3[n, i, d] + sum[i1](W11[i1, d] * z_x4[n, i, i1])
    x4 = work.x4
    np.matmul(z_x4.reshape(64 * N, 256), W11, out=x4.reshape(64 * N, 64))
    add_41 = np.add(x3, b11, out=x3)
    x4 += add_41

    # (42) mu12[n, i1] = sum[i](x4[n, i1, i]) / 64
    mu12 = np.matmul(x4, work.ones_64, out=work.mu12)
    mu12 /= 64.0

    # (43) var12[n, i1] = sum[i]((x4[n, i1, i] - mu12[n, i1])**2) / 64
    subtract_43 = np.subtract(x4, mu12[:, :, None], out=x4)
    var12 = np.einsum("...i,...i->...", subtract_43, subtract_43, out=work.mu12)
    var12 /= 64.0

    # (44) r12[n, i1] = 1 / sqrt(1 / 100000 + var12[n, i1])
    r12 = np.add(var12, 1e-05, out=var12)
    np.sqrt(r12, out=r12)
    np.reciprocal(r12, out=r12)

    # (45) xhat12[n, i1, i] = (x4[n, i1, i] - mu12[n, i1]) * r12[n, i1]
    xhat12 = np.multiply(subtract_43, r12[:, :, None], out=subtract_43)

    # (46) z12[n, i1, i] = gamma12[i] * xhat12[n, i1, i] + beta12[i]
    z12 = np.multiply(xhat12, gamma12, out=work.x3)
    np.add(z12, beta12, out=z12)

    # (47) z13[n, i1, j] = b13[j] + sum[i](W13[i, j] * z12[n, i1, i])
    z13 = work.z13
    np.matmul(z12.reshape(64 * N, 64), W13, out=z13.reshape(64 * N, 61))
    np.add(z13, b13, out=z13)

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    add_49 = np.add(work.fixed_64_3, next.T, out=work.add_49)
    take_49 = z13.take(add_49, out=work.take_49, mode="clip")

    # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
    largest_48 = _largest(z13, out=work.largest_48)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        z13_rows = z13[rows]
        largest_48_rows = largest_48[:, :, None][rows]
        # (48) p[n, i1, k] = exp(z13[n, i1, k] - logsumexp[j](z13[n, i1, j]))
        z13_rows -= largest_48_rows
        np.exp(z13_rows, out=z13_rows)
        total_48 = np.matmul(z13_rows, work.ones_61, out=work.total_48[rows])
        z13_rows /= total_48[:, :, None]
    total_48 = work.total_48
    p = z13

    # (49) loss = sum[n, i](logsumexp[j](z13[n, i, j]) - z13[n, i, next[n, i]]) / (64 *
    #     N)
    log_49 = np.log(total_48, out=total_48)
    take_49 -= largest_48.T
    np.subtract(log_49.T, take_49, out=take_49)
    total_49 = float(np.add.reduce(take_49, axis=None))
    loss = total_49 / (64 * N)

    # (50) dz13[n, i, j] = (p[n, i, j] - [j = next[n, i]]) / (64 * N), times rate
    add_50 = np.add(work.fixed_N_2, next, out=work.add_50)
    take_50 = p.take(add_50, out=work.total_48, mode="clip")
    take_50 -= 1.0
    dz13 = p
    dz13.put(add_50, take_50)
    divide_50 = rate / (64 * N)
    dz13 *= divide_50

    # (51) dW13[i, j] = sum[n, i1](dz13[n, i1, j] * z12[n, i1, i]), times rate
    dW13 = z12.reshape(64 * N, 64).T.dot(dz13.reshape(64 * N, 61), out=work.dW13)

    # (52) db13[j] = sum[n, i](dz13[n, i, j]), times rate
    db13 = work.ones_64_N.dot(dz13.reshape(64 * N, 61), out=work.db13)
    b13 -= db13

    # (53) dz12[n, i1, i] = sum[j](W13[i, j] * dz13[n, i1, j]), times rate
    dz12 = work.x3
    np.matmul(dz13.reshape(64 * N, 61), W13.T, out=dz12.reshape(64 * N, 64))

    # (51) W13 -= rate * dW13
    W13 -= dW13

    # (54) dbeta12[i] = sum[n, i1](dz12[n, i1, i]), times rate
    dbeta12 = work.ones_64_N.dot(dz12.reshape(64 * N, 64), out=work.dbeta12)
    beta12 -= dbeta12

    # (55) dgamma12[i] = sum[n, i1](dz12[n, i1, i] * xhat12[n, i1, i]), times rate
    dgamma12 = np.einsum(
        "...i,...i->...",
        dz12.reshape(64 * N, 64).T,
        xhat12.reshape(64 * N, 64).T,
        out=work.dgamma12,
    )

    # (56) dxhat12[n, i1, i] = gamma12[i] * dz12[n, i1, i], times rate
    dxhat12 = np.multiply(dz12, gamma12, out=dz12)

    # (55) gamma12 -= rate * dgamma12
    gamma12 -= dgamma12

    # (57) dx4[n, i1, i] = (dxhat12[n, i1, i] - sum[i2](dxhat12[n, i1, i2]) / 64 -
    #     xhat12[n, i1, i] * sum[i2](dxhat12[n, i1, i2] * xhat12[n, i1, i2]) / 64) *
    #     r12[n, i1], times rate
    total_57 = np.matmul(dxhat12, work.ones_64, out=work.total_48)
    inner_57 = np.einsum("...i,...i->...", dxhat12, xhat12, out=work.largest_48)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        xhat12_rows = xhat12[rows]
        inner_57_rows = inner_57[:, :, None][rows]
        total_57_rows = total_57[rows]
        dxhat12_rows = dxhat12[rows]
        r12_rows = r12[:, :, None][rows]
        # (57) dx4[n, i1, i] = (dxhat12[n, i1, i] - sum[i2](dxhat12[n, i1, i2]) / 64 -
        #     xhat12[n, i1, i] * sum[i2](dxhat12[n, i1, i2] * xhat12[n, i1, i2]) / 64) *
        #     r12[n, i1], times rate
        xhat12_rows *= inner_57_rows
        total_57_rows /= 64.0
        dxhat12_rows -= total_57_rows[:, :, None]
        xhat12_rows /= 64.0
        dxhat12_rows -= xhat12_rows
        dxhat12_rows *= r12_rows
    dx4 = dxhat12

    # (58) dW11[i1, d] = sum[n, i](dx4[n, i, d] * z_x4[n, i, i1]), times rate
    dW11 = np.matmul(
        z_x4.reshape(64 * N, 256).T, dx4.reshape(64 * N, 64), out=work.dW11
    )

    # (59) db11[d] = sum[n, i](dx4[n, i, d]), times rate
    db11 = work.ones_64_N.dot(dx4.reshape(64 * N, 64), out=work.db11)
    b11 -= db11

    # (60) dz_x4[n, i, i1] = sum[d](W11[i1, d] * dx4[n, i, d]), times rate
    dz_x4 = work.multiply_20
    np.matmul(dx4.reshape(64 * N, 64), W11.T, out=dz_x4.reshape(64 * N, 256))

    # (58) W11 -= rate * dW11
    W11 -= dW11

    # (61) dz10[n, i1, j] = (2 * sqrt(2) * (1 - sigmoid(2 * sqrt(2) * (8943 * z10[n, i1,
    #     j]**3 / 200000 + z10[n, i1, j]) / sqrt(pi))) * (1 + 26829 * z10[n, i1, j]**2 /
    #     200000) * z10[n, i1, j] * sigmoid(2 * sqrt(2) * (8943 * z10[n, i1, j]**3 /
    #     200000 + z10[n, i1, j]) / sqrt(pi)) / sqrt(pi) + sigmoid(2 * sqrt(2) * (8943 *
    #     z10[n, i1, j]**3 / 200000 + z10[n, i1, j]) / sqrt(pi))) * dz_x4[n, i1, j],
    #     times rate
    dz10 = np.multiply(dz_x4, multiply_61, out=dz_x4)

    # (62) dW10[i, j] = sum[n, i1](dz10[n, i1, j] * z9[n, i1, i]), times rate
    dW10 = np.matmul(z9.reshape(64 * N, 64).T, dz10.reshape(64 * N, 256), out=work.dW10)

    # (63) db10[j] = sum[n, i](dz10[n, i, j]), times rate
    db10 = work.ones_64_N.dot(dz10.reshape(64 * N, 256), out=work.db10)
    b10 -= db10

    # (64) dz9[n, i1, i] = sum[j](W10[i, j] * dz10[n, i1, j]), times rate
    dz9 = work.z9
    np.matmul(dz10.reshape(64 * N, 256), W10.T, out=dz9.reshape(64 * N, 64))

    # (62) W10 -= rate * dW10
    W10 -= dW10

    # (65) dbeta9[i] = sum[n, i1](dz9[n, i1, i]), times rate
    dbeta9 = work.ones_64_N.dot(dz9.reshape(64 * N, 64), out=work.dbeta9)
    beta9 -= dbeta9

    # (66) dgamma9[i] = sum[n, i1](dz9[n, i1, i] * xhat9[n, i1, i]), times rate
    dgamma9 = np.einsum(
        "...i,...i->...",
        dz9.reshape(64 * N, 64).T,
        xhat9.reshape(64 * N, 64).T,
        out=work.dgamma9,
    )

    # (67) dxhat9[n, i1, i] = gamma9[i] * dz9[n, i1, i], times rate
    dxhat9 = np.multiply(dz9, gamma9, out=dz9)

    # (66) gamma9 -= rate * dgamma9
    gamma9 -= dgamma9

    # (68) dx3[n, i1, i] = (dxhat9[n, i1, i] - sum[i2](dxhat9[n, i1, i2]) / 64 -
    #     xhat9[n, i1, i] * sum[i2](dxhat9[n, i1, i2] * xhat9[n, i1, i2]) / 64) * r9[n,
    #     i1] + dx4[n, i1, i], times rate
    total_68 = np.matmul(dxhat9, work.ones_64, out=work.mu12)
    inner_68 = np.einsum("...i,...i->...", dxhat9, xhat9, out=work.total_48)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        xhat9_rows = xhat9[rows]
        inner_68_rows = inner_68[:, :, None][rows]
        total_68_rows = total_68[rows]
        dxhat9_rows = dxhat9[rows]
        r9_rows = r9[:, :, None][rows]
        dx4_rows = dx4[rows]
        # (68) dx3[n, i1, i] = (dxhat9[n, i1, i] - sum[i2](dxhat9[n, i1, i2]) / 64 -
        #     xhat9[n, i1, i] * sum[i2](dxhat9[n, i1, i2] * xhat9[n, i1, i2]) / 64) *
        #     r9[n, i1] + dx4[n, i1, i], times rate
        xhat9_rows *= inner_68_rows
        total_68_rows /= 64.0
        dxhat9_rows -= total_68_rows[:, :, None]
        xhat9_rows /= 64.0
        dxhat9_rows -= xhat9_rows
        dxhat9_rows *= r9_rows
        dx4_rows += dxhat9_rows
    dx3 = dx4

    # (69) dW8_o[h, e, d] = sum[n, i](dx3[n, i, d] * o8[n, h, i, e]), times rate
    dW8_o = work.dW8_o
    o8.reshape(64 * N, 64).T.dot(dx3.reshape(64 * N, 64), out=dW8_o.reshape(64, 64))

    # (70) do8[n, h, i, e] = sum[d](W8_o[h, e, d] * dx3[n, i, d]), times rate
    do8 = work.o8
    np.matmul(
        dx3.reshape(64 * N, 64), W8_o.reshape(64, 64).T, out=do8.reshape(64 * N, 64)
    )

    # (69) W8_o -= rate * dW8_o
    W8_o -= dW8_o

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        do8_rows = do8.transpose(0, 2, 1, 3)[rows]
        v8_rows = v8.transpose(0, 2, 3, 1)[rows]
        p8_rows = p8.transpose(0, 1, 3, 2)[rows]
        p8_rows_2 = p8[rows]
        q8_rows = q8.transpose(0, 2, 1, 3)[rows]
        k8_rows = k8.transpose(0, 2, 1, 3)[rows]
        # (71) dp8[n, h, t, j] = sum[e](do8[n, h, t, e] * v8[n, h, j, e]), times rate
        dp8 = np.matmul(do8_rows, v8_rows, out=work.dp8[part])
        # (72) dv8[n, h, j, e] = sum[t](do8[n, h, t, e] * p8[n, h, t, j]), times rate
        dv8 = work.v8[rows]
        np.matmul(p8_rows, do8_rows, out=dv8.transpose(0, 2, 1, 3))
        # (74) ds8[n, h, t, i] = (dp8[n, h, t, i] - sum[j](dp8[n, h, t, j] * p8[n, h, t,
        #     j])) * p8[n, h, t, i], times rate
        inner_74 = np.einsum(
            "...i,...i->...", dp8, p8_rows_2, out=work.largest_10[part]
        )
        subtract_74 = np.subtract(dp8, inner_74[:, :, :, None], out=dp8)
        p8_rows_2 *= subtract_74
        # (75) dk8[n, h, j, d] = sum[t](ds8[n, h, t, j] * q8[n, h, t, d]) / 4, times
        #     rate
        dk8 = work.o8[rows]
        np.matmul(
            p8_rows_2.transpose(0, 1, 3, 2), q8_rows, out=dk8.transpose(0, 2, 1, 3)
        )
        dk8 /= 4.0
        # (76) dq8[n, h, t, d] = sum[j](ds8[n, h, t, j] * k8[n, h, j, d]) / 4, times
        #     rate
        dq8 = work.q8[rows]
        np.matmul(p8_rows_2, k8_rows, out=dq8.transpose(0, 2, 1, 3))
        dq8 /= 4.0
    dv8 = work.v8
    dk8 = work.o8
    dq8 = work.q8

    # (73) dW8_v[i, h, e] = sum[n, t](z7[n, t, i] * dv8[n, h, t, e]), times rate
    dW8_v = work.dW8_v
    z7.reshape(64 * N, 64).T.dot(dv8.reshape(64 * N, 64), out=dW8_v.reshape(64, 64))

    # (77) dW8_k[i, h, e] = sum[n, t](z7[n, t, i] * dk8[n, h, t, e]), times rate
    dW8_k = work.dW8_k
    z7.reshape(64 * N, 64).T.dot(dk8.reshape(64 * N, 64), out=dW8_k.reshape(64, 64))

    # (78) dW8_q[i, h, e] = sum[n, t](z7[n, t, i] * dq8[n, h, t, e]), times rate
    dW8_q = work.dW8_q
    z7.reshape(64 * N, 64).T.dot(dq8.reshape(64 * N, 64), out=dW8_q.reshape(64, 64))

    # (79) dz7[n, t, i] = sum[h, e](W8_k[i, h, e] * dk8[n, h, t, e]) + sum[h, e](W8_q[i,
    #     h, e] * dq8[n, h, t, e]) + sum[h, e](W8_v[i, h, e] * dv8[n, h, t, e]), times
    #     rate
    product_79 = work.z7
    np.matmul(
        dk8.reshape(64 * N, 64),
        W8_k.reshape(64, 64).T,
        out=product_79.reshape(64 * N, 64),
    )
    product_79_2 = work.z9
    np.matmul(
        dq8.reshape(64 * N, 64),
        W8_q.reshape(64, 64).T,
        out=product_79_2.reshape(64 * N, 64),
    )
    dz7 = work.x2
    np.matmul(
        dv8.reshape(64 * N, 64), W8_v.reshape(64, 64).T, out=dz7.reshape(64 * N, 64)
    )
    product_79_2 += product_79
    dz7 += product_79_2

    # (78) W8_q -= rate * dW8_q
    W8_q -= dW8_q

    # (77) W8_k -= rate * dW8_k
    W8_k -= dW8_k

    # (73) W8_v -= rate * dW8_v
    W8_v -= dW8_v

    # (80) dbeta7[i] = sum[n, i1](dz7[n, i1, i]), times rate
    dbeta7 = work.ones_64_N.dot(dz7.reshape(64 * N, 64), out=work.dbeta7)
    beta7 -= dbeta7

    # (81) dgamma7[i] = sum[n, i1](dz7[n, i1, i] * xhat7[n, i1, i]), times rate
    dgamma7 = np.einsum(
        "...i,...i->...",
        dz7.reshape(64 * N, 64).T,
        xhat7.reshape(64 * N, 64).T,
        out=work.dgamma7,
    )

    # (82) dxhat7[n, i1, i] = gamma7[i] * dz7[n, i1, i], times rate
    dxhat7 = np.multiply(dz7, gamma7, out=dz7)

    # (81) gamma7 -= rate * dgamma7
    gamma7 -= dgamma7

    # (83) dx2[n, i1, i] = (dxhat7[n, i1, i] - sum[i2](dxhat7[n, i1, i2]) / 64 -
    #     xhat7[n, i1, i] * sum[i2](dxhat7[n, i1, i2] * xhat7[n, i1, i2]) / 64) * r7[n,
    #     i1] + dx3[n, i1, i], times rate
    total_83 = np.matmul(dxhat7, work.ones_64, out=work.mu9)
    inner_83 = np.einsum("...i,...i->...", dxhat7, xhat7, out=work.mu12)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        xhat7_rows = xhat7[rows]
        inner_83_rows = inner_83[:, :, None][rows]
        total_83_rows = total_83[rows]
        dxhat7_rows = dxhat7[rows]
        r7_rows = r7[:, :, None][rows]
        dx3_rows = dx3[rows]
        # (83) dx2[n, i1, i] = (dxhat7[n, i1, i] - sum[i2](dxhat7[n, i1, i2]) / 64 -
        #     xhat7[n, i1, i] * sum[i2](dxhat7[n, i1, i2] * xhat7[n, i1, i2]) / 64) *
        #     r7[n, i1] + dx3[n, i1, i], times rate
        xhat7_rows *= inner_83_rows
        total_83_rows /= 64.0
        dxhat7_rows -= total_83_rows[:, :, None]
        xhat7_rows /= 64.0
        dxhat7_rows -= xhat7_rows
        dxhat7_rows *= r7_rows
        dx3_rows += dxhat7_rows
    dx2 = dx3

    # (84) dW6[i1, d] = sum[n, i](dx2[n, i, d] * z_x2[n, i, i1]), times rate
    dW6 = np.matmul(z_x2.reshape(64 * N, 256).T, dx2.reshape(64 * N, 64), out=work.dW6)

    # (85) db6[d] = sum[n, i](dx2[n, i, d]), times rate
    db6 = work.ones_64_N.dot(dx2.reshape(64 * N, 64), out=work.db6)
    b6 -= db6

    # (86) dz_x2[n, i, i1] = sum[d](W6[i1, d] * dx2[n, i, d]), times rate
    dz_x2 = work.z5
    np.matmul(dx2.reshape(64 * N, 64), W6.T, out=dz_x2.reshape(64 * N, 256))

    # (84) W6 -= rate * dW6
    W6 -= dW6

    # (87) dz5[n, i1, j] = (2 * sqrt(2) * (1 - sigmoid(2 * sqrt(2) * (8943 * z5[n, i1,
    #     j]**3 / 200000 + z5[n, i1, j]) / sqrt(pi))) * (1 + 26829 * z5[n, i1, j]**2 /
    #     200000) * z5[n, i1, j] * sigmoid(2 * sqrt(2) * (8943 * z5[n, i1, j]**3 /
    #     200000 + z5[n, i1, j]) / sqrt(pi)) / sqrt(pi) + sigmoid(2 * sqrt(2) * (8943 *
    #     z5[n, i1, j]**3 / 200000 + z5[n, i1, j]) / sqrt(pi))) * dz_x2[n, i1, j], times
    #     rate
    dz5 = np.multiply(dz_x2, multiply_87, out=dz_x2)

    # (88) dW5[i, j] = sum[n, i1](dz5[n, i1, j] * z4[n, i1, i]), times rate
    dW5 = np.matmul(z4.reshape(64 * N, 64).T, dz5.reshape(64 * N, 256), out=work.dW5)

    # (89) db5[j] = sum[n, i](dz5[n, i, j]), times rate
    db5 = work.ones_64_N.dot(dz5.reshape(64 * N, 256), out=work.db5)
    b5 -= db5

    # (90) dz4[n, i1, i] = sum[j](W5[i, j] * dz5[n, i1, j]), times rate
    dz4 = work.z4
    np.matmul(dz5.reshape(64 * N, 256), W5.T, out=dz4.reshape(64 * N, 64))

    # (88) W5 -= rate * dW5
    W5 -= dW5

    # (91) dbeta4[i] = sum[n, i1](dz4[n, i1, i]), times rate
    dbeta4 = work.ones_64_N.dot(dz4.reshape(64 * N, 64), out=work.dbeta4)
    beta4 -= dbeta4

    # (92) dgamma4[i] = sum[n, i1](dz4[n, i1, i] * xhat4[n, i1, i]), times rate
    dgamma4 = np.einsum(
        "...i,...i->...",
        dz4.reshape(64 * N, 64).T,
        xhat4.reshape(64 * N, 64).T,
        out=work.dgamma4,
    )

    # (93) dxhat4[n, i1, i] = gamma4[i] * dz4[n, i1, i], times rate
    dxhat4 = np.multiply(dz4, gamma4, out=dz4)

    # (92) gamma4 -= rate * dgamma4
    gamma4 -= dgamma4

    # (94) dx1[n, i1, i] = (dxhat4[n, i1, i] - sum[i2](dxhat4[n, i1, i2]) / 64 -
    #     xhat4[n, i1, i] * sum[i2](dxhat4[n, i1, i2] * xhat4[n, i1, i2]) / 64) * r4[n,
    #     i1] + dx2[n, i1, i], times rate
    total_94 = np.matmul(dxhat4, work.ones_64, out=work.mu7)
    inner_94 = np.einsum("...i,...i->...", dxhat4, xhat4, out=work.mu9)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        xhat4_rows = xhat4[rows]
        inner_94_rows = inner_94[:, :, None][rows]
        total_94_rows = total_94[rows]
        dxhat4_rows = dxhat4[rows]
        r4_rows = r4[:, :, None][rows]
        dx2_rows = dx2[rows]
        # (94) dx1[n, i1, i] = (dxhat4[n, i1, i] - sum[i2](dxhat4[n, i1, i2]) / 64 -
        #     xhat4[n, i1, i] * sum[i2](dxhat4[n, i1, i2] * xhat4[n, i1, i2]) / 64) *
        #     r4[n, i1] + dx2[n, i1, i], times rate
        xhat4_rows *= inner_94_rows
        total_94_rows /= 64.0
        dxhat4_rows -= total_94_rows[:, :, None]
        xhat4_rows /= 64.0
        dxhat4_rows -= xhat4_rows
        dxhat4_rows *= r4_rows
        dx2_rows += dxhat4_rows
    dx1 = dx2

    # (95) dW3_o[h, e, d] = sum[n, i](dx1[n, i, d] * o3[n, h, i, e]), times rate
    dW3_o = work.dW3_o
    o3.reshape(64 * N, 64).T.dot(dx1.reshape(64 * N, 64), out=dW3_o.reshape(64, 64))

    # (96) do3[n, h, i, e] = sum[d](W3_o[h, e, d] * dx1[n, i, d]), times rate
    do3 = work.o3
    np.matmul(
        dx1.reshape(64 * N, 64), W3_o.reshape(64, 64).T, out=do3.reshape(64 * N, 64)
    )

    # (95) W3_o -= rate * dW3_o
    W3_o -= dW3_o

    for start in range(0, N, 2):
        rows = slice(start, min(start + 2, N))
        part = slice(rows.stop - start)
        do3_rows = do3.transpose(0, 2, 1, 3)[rows]
        v3_rows = v3.transpose(0, 2, 3, 1)[rows]
        p3_rows = p3.transpose(0, 1, 3, 2)[rows]
        p3_rows_2 = p3[rows]
        q3_rows = q3.transpose(0, 2, 1, 3)[rows]
        k3_rows = k3.transpose(0, 2, 1, 3)[rows]
        # (97) dp3[n, h, t, j] = sum[e](do3[n, h, t, e] * v3[n, h, j, e]), times rate
        dp3 = np.matmul(do3_rows, v3_rows, out=work.s8[part])
        # (98) dv3[n, h, j, e] = sum[t](do3[n, h, t, e] * p3[n, h, t, j]), times rate
        dv3 = work.v3[rows]
        np.matmul(p3_rows, do3_rows, out=dv3.transpose(0, 2, 1, 3))
        # (100) ds3[n, h, t, i] = (dp3[n, h, t, i] - sum[j](dp3[n, h, t, j] * p3[n, h,
        #     t, j])) * p3[n, h, t, i], times rate
        inner_100 = np.einsum(
            "...i,...i->...", dp3, p3_rows_2, out=work.largest_10[part]
        )
        subtract_100 = np.subtract(dp3, inner_100[:, :, :, None], out=dp3)
        p3_rows_2 *= subtract_100
        # (101) dk3[n, h, j, d] = sum[t](ds3[n, h, t, j] * q3[n, h, t, d]) / 4, times
        #     rate
        dk3 = work.o3[rows]
        np.matmul(
            p3_rows_2.transpose(0, 1, 3, 2), q3_rows, out=dk3.transpose(0, 2, 1, 3)
        )
        dk3 /= 4.0
        # (102) dq3[n, h, t, d] = sum[j](ds3[n, h, t, j] * k3[n, h, j, d]) / 4, times
        #     rate
        dq3 = work.q3[rows]
        np.matmul(p3_rows_2, k3_rows, out=dq3.transpose(0, 2, 1, 3))
        dq3 /= 4.0
    dv3 = work.v3
    dk3 = work.o3
    dq3 = work.q3

    # (99) dW3_v[i, h, e] = sum[n, t](z2[n, t, i] * dv3[n, h, t, e]), times rate
    dW3_v = work.dW3_v
    z2.reshape(64 * N, 64).T.dot(dv3.reshape(64 * N, 64), out=dW3_v.reshape(64, 64))

    # (103) dW3_k[i, h, e] = sum[n, t](z2[n, t, i] * dk3[n, h, t, e]), times rate
    dW3_k = work.dW3_k
    z2.reshape(64 * N, 64).T.dot(dk3.reshape(64 * N, 64), out=dW3_k.reshape(64, 64))

    # (104) dW3_q[i, h, e] = sum[n, t](z2[n, t, i] * dq3[n, h, t, e]), times rate
    dW3_q = work.dW3_q
    z2.reshape(64 * N, 64).T.dot(dq3.reshape(64 * N, 64), out=dW3_q.reshape(64, 64))

    # (105) dz2[n, t, i] = sum[h, e](W3_k[i, h, e] * dk3[n, h, t, e]) + sum[h,
    #     e](W3_q[i, h, e] * dq3[n, h, t, e]) + sum[h, e](W3_v[i, h, e] * dv3[n, h, t,
    #     e]), times rate
    product_105 = work.z2
    np.matmul(
        dk3.reshape(64 * N, 64),
        W3_k.reshape(64, 64).T,
        out=product_105.reshape(64 * N, 64),
    )
    product_105_2 = work.z4
    np.matmul(
        dq3.reshape(64 * N, 64),
        W3_q.reshape(64, 64).T,
        out=product_105_2.reshape(64 * N, 64),
    )
    dz2 = work.x0
    np.matmul(
        dv3.reshape(64 * N, 64), W3_v.reshape(64, 64).T, out=dz2.reshape(64 * N, 64)
    )
    product_105_2 += product_105
    dz2 += product_105_2

    # (104) W3_q -= rate * dW3_q
    W3_q -= dW3_q

    # (103) W3_k -= rate * dW3_k
    W3_k -= dW3_k

    # (99) W3_v -= rate * dW3_v
    W3_v -= dW3_v

    # (106) dbeta2[i] = sum[n, i1](dz2[n, i1, i]), times rate
    dbeta2 = work.ones_64_N.dot(dz2.reshape(64 * N, 64), out=work.dbeta2)
    beta2 -= dbeta2

    # (107) dgamma2[i] = sum[n, i1](dz2[n, i1, i] * xhat2[n, i1, i]), times rate
    dgamma2 = np.einsum(
        "...i,...i->...",
        dz2.reshape(64 * N, 64).T,
        xhat2.reshape(64 * N, 64).T,
        out=work.dgamma2,
    )

    # (108) dxhat2[n, i1, i] = gamma2[i] * dz2[n, i1, i], times rate
    dxhat2 = np.multiply(dz2, gamma2, out=dz2)

    # (107) gamma2 -= rate * dgamma2
    gamma2 -= dgamma2

    # (109) dx0[n, i1, i] = (dxhat2[n, i1, i] - sum[i2](dxhat2[n, i1, i2]) / 64 -
    #     xhat2[n, i1, i] * sum[i2](dxhat2[n, i1, i2] * xhat2[n, i1, i2]) / 64) * r2[n,
    #     i1] + dx1[n, i1, i], times rate
    total_109 = np.matmul(dxhat2, work.ones_64, out=work.mu4)
    inner_109 = np.einsum("...i,...i->...", dxhat2, xhat2, out=work.mu7)

    for start in range(0, N, 8):
        rows = slice(start, min(start + 8, N))
        xhat2_rows = xhat2[rows]
        inner_109_rows = inner_109[:, :, None][rows]
        total_109_rows = total_109[rows]
        dxhat2_rows = dxhat2[rows]
        r2_rows = r2[:, :, None][rows]
        dx1_rows = dx1[rows]
        # (109) dx0[n, i1, i] = (dxhat2[n, i1, i] - sum[i2](dxhat2[n, i1, i2]) / 64 -
        #     xhat2[n, i1, i] * sum[i2](dxhat2[n, i1, i2] * xhat2[n, i1, i2]) / 64) *
        #     r2[n, i1] + dx1[n, i1, i], times rate
        xhat2_rows *= inner_109_rows
        total_109_rows /= 64.0
        dxhat2_rows -= total_109_rows[:, :, None]
        xhat2_rows /= 64.0
        dxhat2_rows -= xhat2_rows
        dxhat2_rows *= r2_rows
        dx1_rows += dxhat2_rows
    dx0 = dx1

    # (110) dE1[i, j] = sum[n, i1](dx0[n, i1, j] * [i = ids[n, i1]]), times rate
    dE1 = work.dE1
    dE1.fill(0.0)
    copy_110 = work.copy_110
    np.copyto(copy_110.reshape(64, N), ids.T)
    copy_110_2 = work.copy_110_2
    np.copyto(copy_110_2.reshape(64, N, 64), dx0.transpose(1, 0, 2))
    places_110 = work.places_110
    _at_rows(
        np.add, dE1, copy_110, copy_110_2, work.range_1952.reshape(61, 32), places_110
    )
    E1 -= dE1

    # (111) dposition[i, d] = sum[n](dx0[n, i, d]), times rate
    dposition = np.add.reduce(dx0, axis=0, out=work.dposition)
    position -= dposition

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
