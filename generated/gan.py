"""Digits out of noise, by a game of two networks

One network makes digits of noise, the other tells them from real ones, and each is
stepped by its own loss alone: the discriminator's parameters by the first, the
generator's by the second, in turn. The generator's loss is the non-saturating one, −log
D(G(z)) instead of log(1 − D(G(z))), whose gradient does not vanish while the
discriminator is still ahead (Goodfellow et al., 2014). How well it goes, neither loss
says. So two figures are watched that nothing is stepped by: how far a held-out digit is
from the nearest one made (coverage), and one made from the nearest held-out one
(likeness), each over how far held-out digits are from each other, in batches of 32.
Both end at 1.05 or below. Real digits have 1.0; a single class of them a coverage of
1.27; normal variables with the digits' means and covariances 1.08; pixels drawn one by
one 1.35.

Written by symbackprop from the spec gan (cf4179ca55bc8c51).
Call init_params, then forward, discriminator_and_grads, generator_and_grads,
coverage_and_grads, likeness_and_grads, discriminator_sgd_step, generator_sgd_step.

What is not handed in of z is drawn: rng= is a generator or a seed, which gives the same
numbers again.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "x": ("N", 64),
    "z": ("N", 16),
    "W_g1": (16, 256),
    "b_g1": (256,),
    "W_g2": (256, 256),
    "b_g2": (256,),
    "W_g3": (256, 64),
    "b_g3": (64,),
    "W_d1": (64, 128),
    "b_d1": (128,),
    "W_d2": (128, 64),
    "b_d2": (64,),
    "W_d3": (64, 1),
    "b_d3": (1,),
    "fake": ("N", 64),
}

_PARAMETERS = [
    "W_g1",
    "b_g1",
    "W_g2",
    "b_g2",
    "W_g3",
    "b_g3",
    "W_d1",
    "b_d1",
    "W_d2",
    "b_d2",
    "W_d3",
    "b_d3",
]
_KINDS = {}
_CLASSES = {}
_EXTENTS = [
    "N",
]
_DRAWS = {
    "z": ("normal", 0.0, 1.0),
}


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "W_g1": _glorot_uniform(rng, (16, 256), dtype),
        "b_g1": np.zeros((256,), dtype),
        "W_g2": _glorot_uniform(rng, (256, 256), dtype),
        "b_g2": np.zeros((256,), dtype),
        "W_g3": _glorot_uniform(rng, (256, 64), dtype),
        "b_g3": np.zeros((64,), dtype),
        "W_d1": _glorot_uniform(rng, (64, 128), dtype),
        "b_d1": np.zeros((128,), dtype),
        "W_d2": _glorot_uniform(rng, (128, 64), dtype),
        "b_d2": np.zeros((64,), dtype),
        "W_d3": _glorot_uniform(rng, (64, 1), dtype),
        "b_d3": np.zeros((1,), dtype),
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
        self._drawn = {
            "z": np.empty((N, 16), dtype),
        }
        self.ones_N = np.ones(N, dtype)
        self.range_N = np.arange(N)
        self.fixed_N = np.equal(self.range_N, self.range_N[:, None])
        self.fixed_N_2 = self.fixed_N.astype(dtype)
        self.fixed_N_3 = np.multiply(self.fixed_N_2, 1000.0).astype(dtype)
        self.z_g1 = _aligned((N, 256), dtype)
        self.z_g2 = _aligned((N, 256), dtype)
        self.z_g3 = _aligned((N, 64), dtype)
        self.z_d1 = _aligned((N, 128), dtype)
        self.mask_8 = np.empty((N, 128), np.bool_)
        self.r1 = _aligned((N, 128), dtype)
        self.z_d2 = _aligned((N, 64), dtype)
        self.mask_10 = np.empty((N, 64), np.bool_)
        self.r2 = _aligned((N, 64), dtype)
        self.real_score = np.empty((N, 1), dtype)
        self.mask_13 = np.empty((N, 128), np.bool_)
        self.f1 = _aligned((N, 128), dtype)
        self.mask_15 = np.empty((N, 64), np.bool_)
        self.f2 = _aligned((N, 64), dtype)
        self.fake_score = np.empty((N, 1), dtype)
        self.negative_22 = np.empty((N, 1), dtype)
        self.absolute_22 = np.empty((N, 1), dtype)
        self.dz_d4 = _aligned((N, 64), dtype)
        self.dz_d3 = _aligned((N, 128), dtype)
        self.product_32 = np.empty((64, 1), dtype)
        self.dW_d3 = np.empty((64, 1), dtype)
        self.total_33 = np.empty((1,), dtype)
        self.db_d3 = np.empty((1,), dtype)
        self.product_36 = _aligned((128, 64), dtype)
        self.dW_d2 = _aligned((128, 64), dtype)
        self.total_37 = np.empty((64,), dtype)
        self.db_d2 = np.empty((64,), dtype)
        self.product_40 = _aligned((64, 128), dtype)
        self.dW_d1 = _aligned((64, 128), dtype)
        self.total_41 = np.empty((128,), dtype)
        self.db_d1 = np.empty((128,), dtype)
        self.dW_g3 = _aligned((256, 64), dtype)
        self.dg2 = _aligned((N, 256), dtype)
        self.mask_52 = np.empty((N, 256), np.bool_)
        self.dW_g2 = _aligned((256, 256), dtype)
        self.db_g2 = np.empty((256,), dtype)
        self.dW_g1 = _aligned((16, 256), dtype)
        self.db_g1 = np.empty((256,), dtype)
        self.subtract_17 = _aligned((N, N, 64), dtype)
        self.between = _aligned((N, N), dtype)
        self.apart = _aligned((N, N), dtype)
        self.to_fake = np.empty((N,), dtype)
        self.to_other = np.empty((N,), dtype)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


@np.errstate(over="ignore")
def forward(params, *, z=None, N=None, rng=None, workspace=None, training=False):
    """Return fake, by name."""
    given = {"z": z}
    work = _prepare(params, given, workspace, {"N": N})
    _draw(given, rng, work)
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    return {
        "fake": fake,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def discriminator(params, *, x, z=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (7) z_d1[n, j] = b_d1[j] + sum[i](W_d1[i, j] * x[n, i])
    z_d1 = x.dot(W_d1, out=work.z_d1)
    np.add(z_d1, b_d1, out=z_d1)

    # (8) r1[n, j] = leaky_relu(z_d1[n, j], 1 / 5)
    mask_8 = np.greater(z_d1, 0.0, out=work.mask_8)
    r1 = np.divide(z_d1, 5.0, out=work.r1)
    np.copyto(r1, z_d1, where=mask_8)

    # (9) z_d2[n, j] = b_d2[j] + sum[i](W_d2[i, j] * r1[n, i])
    z_d2 = r1.dot(W_d2, out=work.z_d2)
    np.add(z_d2, b_d2, out=z_d2)

    # (10) r2[n, j] = leaky_relu(z_d2[n, j], 1 / 5)
    mask_10 = np.greater(z_d2, 0.0, out=work.mask_10)
    r2 = np.divide(z_d2, 5.0, out=work.r2)
    np.copyto(r2, z_d2, where=mask_10)

    # (11) real_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * r2[n, i])
    real_score = r2.dot(W_d3, out=work.real_score)
    np.add(real_score, b_d3, out=real_score)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.r1)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.z_g3)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    negative_22 = np.negative(real_score, out=work.negative_22)
    absolute_22 = np.absolute(real_score, out=real_score)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)
    np.maximum(negative_22, 0.0, out=negative_22)
    negative_22 += absolute_22
    total_22 = float(np.add.reduce(negative_22, axis=None))
    divide_22 = total_22 / N
    absolute_22_2 = np.absolute(fake_score, out=work.negative_22)
    np.negative(absolute_22_2, out=absolute_22_2)
    np.exp(absolute_22_2, out=absolute_22_2)
    np.log1p(absolute_22_2, out=absolute_22_2)
    maximum_22 = np.maximum(fake_score, 0.0, out=fake_score)
    maximum_22 += absolute_22_2
    total_22_2 = float(np.add.reduce(maximum_22, axis=None))
    divide_22_2 = total_22_2 / N
    discriminator = divide_22_2 + divide_22

    return discriminator


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def discriminator_and_grads(
    params, *, x, z=None, rng=None, workspace=None, training=True
):
    """Return the loss and its gradients by W_d1, b_d1, W_d2, b_d2, W_d3, b_d3."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (7) z_d1[n, j] = b_d1[j] + sum[i](W_d1[i, j] * x[n, i])
    z_d1 = x.dot(W_d1, out=work.z_d1)
    np.add(z_d1, b_d1, out=z_d1)

    # (8) r1[n, j] = leaky_relu(z_d1[n, j], 1 / 5)
    mask_8 = np.greater(z_d1, 0.0, out=work.mask_8)
    r1 = np.divide(z_d1, 5.0, out=work.r1)
    np.copyto(r1, z_d1, where=mask_8)

    # (9) z_d2[n, j] = b_d2[j] + sum[i](W_d2[i, j] * r1[n, i])
    z_d2 = r1.dot(W_d2, out=work.z_d2)
    np.add(z_d2, b_d2, out=z_d2)

    # (10) r2[n, j] = leaky_relu(z_d2[n, j], 1 / 5)
    mask_10 = np.greater(z_d2, 0.0, out=work.mask_10)
    r2 = np.divide(z_d2, 5.0, out=work.r2)
    np.copyto(r2, z_d2, where=mask_10)

    # (11) real_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * r2[n, i])
    real_score = r2.dot(W_d3, out=work.real_score)
    np.add(real_score, b_d3, out=real_score)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.z_d1)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.z_d2)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    negative_22 = np.negative(real_score, out=work.negative_22)
    absolute_22 = np.absolute(real_score, out=work.absolute_22)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)
    np.maximum(negative_22, 0.0, out=negative_22)
    negative_22 += absolute_22
    total_22 = float(np.add.reduce(negative_22, axis=None))
    divide_22 = total_22 / N
    absolute_22_2 = np.absolute(fake_score, out=work.negative_22)
    np.negative(absolute_22_2, out=absolute_22_2)
    np.exp(absolute_22_2, out=absolute_22_2)
    np.log1p(absolute_22_2, out=absolute_22_2)
    maximum_22 = np.maximum(fake_score, 0.0, out=work.absolute_22)
    maximum_22 += absolute_22_2
    total_22_2 = float(np.add.reduce(maximum_22, axis=None))
    divide_22_2 = total_22_2 / N
    discriminator = divide_22_2 + divide_22

    # (23) generator = sum[n, j](softplus(-fake_score[n, j])) / N
    negative_23 = np.negative(fake_score, out=fake_score)

    # (26) dfake_score[n, j] = sigmoid(fake_score[n, j]) / N
    dfake_score = np.exp(negative_23, out=negative_23)
    dfake_score += work.one
    np.reciprocal(dfake_score, out=dfake_score)
    dfake_score /= N

    # (27) dreal_score[n, j] = -sigmoid(-real_score[n, j]) / N
    dreal_score = np.exp(real_score, out=real_score)
    dreal_score += work.one
    np.reciprocal(dreal_score, out=dreal_score)
    dreal_score /= -N

    # (28) df2[n, i] = sum[j](W_d3[i, j] * dfake_score[n, j])
    df2 = dfake_score.dot(W_d3.T, out=work.z_d2)

    # (29) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5)
    dz_d4 = work.dz_d4
    np.copyto(dz_d4, 0.2)
    np.copyto(dz_d4, 1.0, where=mask_15)
    dz_d4 *= df2

    # (30) df1[n, i] = sum[j](W_d2[i, j] * dz_d4[n, j])
    df1 = dz_d4.dot(W_d2.T, out=work.z_d1)

    # (31) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5)
    dz_d3 = work.dz_d3
    np.copyto(dz_d3, 0.2)
    np.copyto(dz_d3, 1.0, where=mask_13)
    dz_d3 *= df1

    # (32) dW_d3[i, j] = sum[n](dfake_score[n, j] * f2[n, i]) + sum[n](dreal_score[n, j]
    #     * r2[n, i])
    product_32 = f2.T.dot(dfake_score, out=work.product_32)
    dW_d3 = r2.T.dot(dreal_score, out=work.dW_d3)
    dW_d3 += product_32

    # (33) db_d3[j] = sum[n](dfake_score[n, j]) + sum[n](dreal_score[n, j])
    total_33 = work.ones_N.dot(dfake_score, out=work.total_33)
    db_d3 = work.ones_N.dot(dreal_score, out=work.db_d3)
    db_d3 += total_33

    # (34) dr2[n, i] = sum[j](W_d3[i, j] * dreal_score[n, j])
    dr2 = dreal_score.dot(W_d3.T, out=work.r2)

    # (35) dz_d2[n, j] = dr2[n, j] * where(z_d2[n, j] > 0, 1, 1 / 5)
    dz_d2 = work.f2
    np.copyto(dz_d2, 0.2)
    np.copyto(dz_d2, 1.0, where=mask_10)
    dz_d2 *= dr2

    # (36) dW_d2[i, j] = sum[n](dz_d2[n, j] * r1[n, i]) + sum[n](dz_d4[n, j] * f1[n, i])
    product_36 = r1.T.dot(dz_d2, out=work.product_36)
    dW_d2 = f1.T.dot(dz_d4, out=work.dW_d2)
    dW_d2 += product_36

    # (37) db_d2[j] = sum[n](dz_d2[n, j]) + sum[n](dz_d4[n, j])
    total_37 = work.ones_N.dot(dz_d2, out=work.total_37)
    db_d2 = work.ones_N.dot(dz_d4, out=work.db_d2)
    db_d2 += total_37

    # (38) dr1[n, i] = sum[j](W_d2[i, j] * dz_d2[n, j])
    dr1 = dz_d2.dot(W_d2.T, out=work.f1)

    # (39) dz_d1[n, j] = dr1[n, j] * where(z_d1[n, j] > 0, 1, 1 / 5)
    dz_d1 = work.r1
    np.copyto(dz_d1, 0.2)
    np.copyto(dz_d1, 1.0, where=mask_8)
    dz_d1 *= dr1

    # (40) dW_d1[i, j] = sum[n](dz_d1[n, j] * x[n, i]) + sum[n](dz_d3[n, j] * fake[n,
    #     i])
    product_40 = x.T.dot(dz_d1, out=work.product_40)
    dW_d1 = fake.T.dot(dz_d3, out=work.dW_d1)
    dW_d1 += product_40

    # (41) db_d1[j] = sum[n](dz_d1[n, j]) + sum[n](dz_d3[n, j])
    total_41 = work.ones_N.dot(dz_d1, out=work.total_41)
    db_d1 = work.ones_N.dot(dz_d3, out=work.db_d1)
    db_d1 += total_41

    return discriminator, {
        "W_d1": dW_d1,
        "b_d1": db_d1,
        "W_d2": dW_d2,
        "b_d2": db_d2,
        "W_d3": dW_d3,
        "b_d3": db_d3,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def discriminator_sgd_step(
    params, *, x, rate, z=None, rng=None, workspace=None, training=True
):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    rate = _checked_rate(
        rate, params, work, ["W_d1", "b_d1", "W_d2", "b_d2", "W_d3", "b_d3"]
    )
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (7) z_d1[n, j] = b_d1[j] + sum[i](W_d1[i, j] * x[n, i])
    z_d1 = x.dot(W_d1, out=work.z_d1)
    np.add(z_d1, b_d1, out=z_d1)

    # (8) r1[n, j] = leaky_relu(z_d1[n, j], 1 / 5)
    mask_8 = np.greater(z_d1, 0.0, out=work.mask_8)
    r1 = np.divide(z_d1, 5.0, out=work.r1)
    np.copyto(r1, z_d1, where=mask_8)

    # (9) z_d2[n, j] = b_d2[j] + sum[i](W_d2[i, j] * r1[n, i])
    z_d2 = r1.dot(W_d2, out=work.z_d2)
    np.add(z_d2, b_d2, out=z_d2)

    # (10) r2[n, j] = leaky_relu(z_d2[n, j], 1 / 5)
    mask_10 = np.greater(z_d2, 0.0, out=work.mask_10)
    r2 = np.divide(z_d2, 5.0, out=work.r2)
    np.copyto(r2, z_d2, where=mask_10)

    # (11) real_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * r2[n, i])
    real_score = r2.dot(W_d3, out=work.real_score)
    np.add(real_score, b_d3, out=real_score)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.z_d1)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.z_d2)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    negative_22 = np.negative(real_score, out=work.negative_22)
    absolute_22 = np.absolute(real_score, out=work.absolute_22)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)
    np.maximum(negative_22, 0.0, out=negative_22)
    negative_22 += absolute_22
    total_22 = float(np.add.reduce(negative_22, axis=None))
    divide_22 = total_22 / N
    absolute_22_2 = np.absolute(fake_score, out=work.negative_22)
    np.negative(absolute_22_2, out=absolute_22_2)
    np.exp(absolute_22_2, out=absolute_22_2)
    np.log1p(absolute_22_2, out=absolute_22_2)
    maximum_22 = np.maximum(fake_score, 0.0, out=work.absolute_22)
    maximum_22 += absolute_22_2
    total_22_2 = float(np.add.reduce(maximum_22, axis=None))
    divide_22_2 = total_22_2 / N
    discriminator = divide_22_2 + divide_22

    # (23) generator = sum[n, j](softplus(-fake_score[n, j])) / N
    negative_23 = np.negative(fake_score, out=fake_score)

    # (26) dfake_score[n, j] = sigmoid(fake_score[n, j]) / N, times rate
    dfake_score = np.exp(negative_23, out=negative_23)
    dfake_score += work.one
    np.reciprocal(dfake_score, out=dfake_score)
    divide_26 = rate / N
    dfake_score *= divide_26

    # (27) dreal_score[n, j] = -sigmoid(-real_score[n, j]) / N, times rate
    dreal_score = np.exp(real_score, out=real_score)
    dreal_score += work.one
    np.reciprocal(dreal_score, out=dreal_score)
    divide_27 = rate / (-N)
    dreal_score *= divide_27

    # (28) df2[n, i] = sum[j](W_d3[i, j] * dfake_score[n, j]), times rate
    df2 = dfake_score.dot(W_d3.T, out=work.z_d2)

    # (29) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5), times rate
    dz_d4 = work.dz_d4
    np.copyto(dz_d4, 0.2)
    np.copyto(dz_d4, 1.0, where=mask_15)
    dz_d4 *= df2

    # (30) df1[n, i] = sum[j](W_d2[i, j] * dz_d4[n, j]), times rate
    df1 = dz_d4.dot(W_d2.T, out=work.z_d1)

    # (31) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5), times rate
    dz_d3 = work.dz_d3
    np.copyto(dz_d3, 0.2)
    np.copyto(dz_d3, 1.0, where=mask_13)
    dz_d3 *= df1

    # (32) dW_d3[i, j] = sum[n](dfake_score[n, j] * f2[n, i]) + sum[n](dreal_score[n, j]
    #     * r2[n, i]), times rate
    product_32 = f2.T.dot(dfake_score, out=work.product_32)
    dW_d3 = r2.T.dot(dreal_score, out=work.dW_d3)
    dW_d3 += product_32

    # (33) db_d3[j] = sum[n](dfake_score[n, j]) + sum[n](dreal_score[n, j]), times rate
    total_33 = work.ones_N.dot(dfake_score, out=work.total_33)
    db_d3 = work.ones_N.dot(dreal_score, out=work.db_d3)
    db_d3 += total_33
    b_d3 -= db_d3

    # (34) dr2[n, i] = sum[j](W_d3[i, j] * dreal_score[n, j]), times rate
    dr2 = dreal_score.dot(W_d3.T, out=work.r2)

    # (32) W_d3 -= rate * dW_d3
    W_d3 -= dW_d3

    # (35) dz_d2[n, j] = dr2[n, j] * where(z_d2[n, j] > 0, 1, 1 / 5), times rate
    dz_d2 = work.f2
    np.copyto(dz_d2, 0.2)
    np.copyto(dz_d2, 1.0, where=mask_10)
    dz_d2 *= dr2

    # (37) db_d2[j] = sum[n](dz_d2[n, j]) + sum[n](dz_d4[n, j]), times rate
    total_37 = work.ones_N.dot(dz_d2, out=work.total_37)
    db_d2 = work.ones_N.dot(dz_d4, out=work.db_d2)
    db_d2 += total_37
    b_d2 -= db_d2

    # (38) dr1[n, i] = sum[j](W_d2[i, j] * dz_d2[n, j]), times rate
    dr1 = dz_d2.dot(W_d2.T, out=work.z_d1)

    # (36) dW_d2[i, j] = sum[n](dz_d2[n, j] * r1[n, i]) + sum[n](dz_d4[n, j] * f1[n,
    #     i]), times rate
    product_36 = r1.T.dot(dz_d2, out=work.product_36)
    dW_d2 = f1.T.dot(dz_d4, out=work.dW_d2)
    dW_d2 += product_36
    W_d2 -= dW_d2

    # (39) dz_d1[n, j] = dr1[n, j] * where(z_d1[n, j] > 0, 1, 1 / 5), times rate
    dz_d1 = work.f1
    np.copyto(dz_d1, 0.2)
    np.copyto(dz_d1, 1.0, where=mask_8)
    dz_d1 *= dr1

    # (40) dW_d1[i, j] = sum[n](dz_d1[n, j] * x[n, i]) + sum[n](dz_d3[n, j] * fake[n,
    #     i]), times rate
    product_40 = x.T.dot(dz_d1, out=work.product_40)
    dW_d1 = fake.T.dot(dz_d3, out=work.dW_d1)
    dW_d1 += product_40
    W_d1 -= dW_d1

    # (41) db_d1[j] = sum[n](dz_d1[n, j]) + sum[n](dz_d3[n, j]), times rate
    total_41 = work.ones_N.dot(dz_d1, out=work.total_41)
    db_d1 = work.ones_N.dot(dz_d3, out=work.db_d1)
    db_d1 += total_41
    b_d1 -= db_d1

    return discriminator


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def generator(params, *, z=None, N=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"z": z}
    work = _prepare(params, given, workspace, {"N": N})
    _draw(given, rng, work)
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.dz_d3)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.z_g3)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    absolute_22 = np.absolute(fake_score, out=work.absolute_22)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)

    # (23) generator = sum[n, j](softplus(-fake_score[n, j])) / N
    negative_23 = np.negative(fake_score, out=fake_score)
    np.maximum(negative_23, 0.0, out=negative_23)
    negative_23 += absolute_22
    total_23 = float(np.add.reduce(negative_23, axis=None))
    generator = total_23 / N

    return generator


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def generator_and_grads(
    params, *, z=None, N=None, rng=None, workspace=None, training=True
):
    """Return the loss and its gradients by W_g1, b_g1, W_g2, b_g2, W_g3, b_g3."""
    given = {"z": z}
    work = _prepare(params, given, workspace, {"N": N})
    _draw(given, rng, work)
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.dz_d3)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.dz_d4)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    absolute_22 = np.absolute(fake_score, out=work.absolute_22)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)

    # (23) generator = sum[n, j](softplus(-fake_score[n, j])) / N
    negative_23 = np.negative(fake_score, out=work.negative_22)
    np.maximum(negative_23, 0.0, out=negative_23)
    negative_23 += absolute_22
    total_23 = float(np.add.reduce(negative_23, axis=None))
    generator = total_23 / N

    # (29) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5)
    where_29 = work.f2
    np.copyto(where_29, 0.2)
    np.copyto(where_29, 1.0, where=mask_15)

    # (31) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5)
    where_31 = work.f1
    np.copyto(where_31, 0.2)
    np.copyto(where_31, 1.0, where=mask_13)

    # (42) dfake_score[n, j] = -sigmoid(-fake_score[n, j]) / N
    dfake_score = np.exp(fake_score, out=fake_score)
    dfake_score += work.one
    np.reciprocal(dfake_score, out=dfake_score)
    dfake_score /= -N

    # (43) df2[n, i] = sum[j](W_d3[i, j] * dfake_score[n, j])
    df2 = dfake_score.dot(W_d3.T, out=work.dz_d4)

    # (44) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5)
    dz_d4 = np.multiply(where_29, df2, out=where_29)

    # (45) df1[n, i] = sum[j](W_d2[i, j] * dz_d4[n, j])
    df1 = dz_d4.dot(W_d2.T, out=work.dz_d3)

    # (46) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5)
    dz_d3 = np.multiply(where_31, df1, out=where_31)

    # (47) dfake[n, i] = sum[j](W_d1[i, j] * dz_d3[n, j])
    dfake = dz_d3.dot(W_d1.T, out=work.f2)

    # (48) dz_g3[n, j] = (1 - fake[n, j]) * dfake[n, j] * fake[n, j]
    dz_g3 = np.subtract(1.0, fake, out=work.dz_d4)
    dz_g3 *= dfake
    dz_g3 *= fake

    # (49) dW_g3[i, j] = sum[n](dz_g3[n, j] * g2[n, i])
    dW_g3 = np.matmul(g2.T, dz_g3, out=work.dW_g3)

    # (50) db_g3[j] = sum[n](dz_g3[n, j])
    db_g3 = work.ones_N.dot(dz_g3, out=work.db_d2)

    # (51) dg2[n, i] = sum[j](W_g3[i, j] * dz_g3[n, j])
    dg2 = np.matmul(dz_g3, W_g3.T, out=work.dg2)

    # (52) dz_g2[n, j] = dg2[n, j] * [z_g2[n, j] > 0]
    mask_52 = np.greater(g2, 0.0, out=work.mask_52)
    dz_g2 = np.multiply(mask_52, dg2, out=dg2)

    # (53) dW_g2[i, j] = sum[n](dz_g2[n, j] * g1[n, i])
    dW_g2 = np.matmul(g1.T, dz_g2, out=work.dW_g2)

    # (54) db_g2[j] = sum[n](dz_g2[n, j])
    db_g2 = work.ones_N.dot(dz_g2, out=work.db_g2)

    # (55) dg1[n, i] = sum[j](W_g2[i, j] * dz_g2[n, j])
    dg1 = np.matmul(dz_g2, W_g2.T, out=work.z_g2)

    # (56) dz_g1[n, j] = dg1[n, j] * [z_g1[n, j] > 0]
    mask_56 = np.greater(g1, 0.0, out=work.mask_52)
    dz_g1 = np.multiply(mask_56, dg1, out=dg1)

    # (57) dW_g1[i, j] = sum[n](dz_g1[n, j] * z[n, i])
    dW_g1 = z.T.dot(dz_g1, out=work.dW_g1)

    # (58) db_g1[j] = sum[n](dz_g1[n, j])
    db_g1 = work.ones_N.dot(dz_g1, out=work.db_g1)

    return generator, {
        "W_g1": dW_g1,
        "b_g1": db_g1,
        "W_g2": dW_g2,
        "b_g2": db_g2,
        "W_g3": dW_g3,
        "b_g3": db_g3,
    }


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def generator_sgd_step(
    params, *, rate, z=None, N=None, rng=None, workspace=None, training=True
):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"z": z}
    work = _prepare(params, given, workspace, {"N": N})
    _draw(given, rng, work)
    rate = _checked_rate(
        rate, params, work, ["W_g1", "b_g1", "W_g2", "b_g2", "W_g3", "b_g3"]
    )
    N = work.N
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]
    W_d1 = params["W_d1"]
    b_d1 = params["b_d1"]
    W_d2 = params["W_d2"]
    b_d2 = params["b_d2"]
    W_d3 = params["W_d3"]
    b_d3 = params["b_d3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (12) z_d3[n, j] = b_d1[j] + sum[i](W_d1[i, j] * fake[n, i])
    z_d3 = fake.dot(W_d1, out=work.dz_d3)
    np.add(z_d3, b_d1, out=z_d3)

    # (13) f1[n, j] = leaky_relu(z_d3[n, j], 1 / 5)
    mask_13 = np.greater(z_d3, 0.0, out=work.mask_13)
    f1 = np.divide(z_d3, 5.0, out=work.f1)
    np.copyto(f1, z_d3, where=mask_13)

    # (14) z_d4[n, j] = b_d2[j] + sum[i](W_d2[i, j] * f1[n, i])
    z_d4 = f1.dot(W_d2, out=work.dz_d4)
    np.add(z_d4, b_d2, out=z_d4)

    # (15) f2[n, j] = leaky_relu(z_d4[n, j], 1 / 5)
    mask_15 = np.greater(z_d4, 0.0, out=work.mask_15)
    f2 = np.divide(z_d4, 5.0, out=work.f2)
    np.copyto(f2, z_d4, where=mask_15)

    # (16) fake_score[n, j] = b_d3[j] + sum[i](W_d3[i, j] * f2[n, i])
    fake_score = f2.dot(W_d3, out=work.fake_score)
    np.add(fake_score, b_d3, out=fake_score)

    # (22) discriminator = sum[n, j](softplus(-real_score[n, j])) / N + sum[n,
    #     j](softplus(fake_score[n, j])) / N
    absolute_22 = np.absolute(fake_score, out=work.absolute_22)
    np.negative(absolute_22, out=absolute_22)
    np.exp(absolute_22, out=absolute_22)
    np.log1p(absolute_22, out=absolute_22)

    # (23) generator = sum[n, j](softplus(-fake_score[n, j])) / N
    negative_23 = np.negative(fake_score, out=work.negative_22)
    np.maximum(negative_23, 0.0, out=negative_23)
    negative_23 += absolute_22
    total_23 = float(np.add.reduce(negative_23, axis=None))
    generator = total_23 / N

    # (27) dreal_score[n, j] = -sigmoid(-real_score[n, j]) / N, times rate
    divide_27 = rate / (-N)

    # (29) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5)
    where_29 = work.f2
    np.copyto(where_29, 0.2)
    np.copyto(where_29, 1.0, where=mask_15)

    # (31) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5)
    where_31 = work.f1
    np.copyto(where_31, 0.2)
    np.copyto(where_31, 1.0, where=mask_13)

    # (42) dfake_score[n, j] = -sigmoid(-fake_score[n, j]) / N, times rate
    dfake_score = np.exp(fake_score, out=fake_score)
    dfake_score += work.one
    np.reciprocal(dfake_score, out=dfake_score)
    dfake_score *= divide_27

    # (43) df2[n, i] = sum[j](W_d3[i, j] * dfake_score[n, j]), times rate
    df2 = dfake_score.dot(W_d3.T, out=work.dz_d4)

    # (44) dz_d4[n, j] = df2[n, j] * where(z_d4[n, j] > 0, 1, 1 / 5), times rate
    dz_d4 = np.multiply(where_29, df2, out=where_29)

    # (45) df1[n, i] = sum[j](W_d2[i, j] * dz_d4[n, j]), times rate
    df1 = dz_d4.dot(W_d2.T, out=work.dz_d3)

    # (46) dz_d3[n, j] = df1[n, j] * where(z_d3[n, j] > 0, 1, 1 / 5), times rate
    dz_d3 = np.multiply(where_31, df1, out=where_31)

    # (47) dfake[n, i] = sum[j](W_d1[i, j] * dz_d3[n, j]), times rate
    dfake = dz_d3.dot(W_d1.T, out=work.f2)

    # (48) dz_g3[n, j] = (1 - fake[n, j]) * dfake[n, j] * fake[n, j], times rate
    dz_g3 = np.subtract(1.0, fake, out=work.dz_d4)
    dz_g3 *= dfake
    dz_g3 *= fake

    # (50) db_g3[j] = sum[n](dz_g3[n, j]), times rate
    db_g3 = work.ones_N.dot(dz_g3, out=work.db_d2)
    b_g3 -= db_g3

    # (51) dg2[n, i] = sum[j](W_g3[i, j] * dz_g3[n, j]), times rate
    dg2 = np.matmul(dz_g3, W_g3.T, out=work.dg2)

    # (49) dW_g3[i, j] = sum[n](dz_g3[n, j] * g2[n, i]), times rate
    dW_g3 = np.matmul(g2.T, dz_g3, out=work.dW_g3)
    W_g3 -= dW_g3

    # (52) dz_g2[n, j] = dg2[n, j] * [z_g2[n, j] > 0], times rate
    mask_52 = np.greater(g2, 0.0, out=work.mask_52)
    dz_g2 = np.multiply(mask_52, dg2, out=dg2)

    # (54) db_g2[j] = sum[n](dz_g2[n, j]), times rate
    db_g2 = work.ones_N.dot(dz_g2, out=work.db_g2)
    b_g2 -= db_g2

    # (55) dg1[n, i] = sum[j](W_g2[i, j] * dz_g2[n, j]), times rate
    dg1 = np.matmul(dz_g2, W_g2.T, out=work.z_g2)

    # (53) dW_g2[i, j] = sum[n](dz_g2[n, j] * g1[n, i]), times rate
    dW_g2 = np.matmul(g1.T, dz_g2, out=work.dW_g2)
    W_g2 -= dW_g2

    # (56) dz_g1[n, j] = dg1[n, j] * [z_g1[n, j] > 0], times rate
    mask_56 = np.greater(g1, 0.0, out=work.mask_52)
    dz_g1 = np.multiply(mask_56, dg1, out=dg1)

    # (57) dW_g1[i, j] = sum[n](dz_g1[n, j] * z[n, i]), times rate
    dW_g1 = z.T.dot(dz_g1, out=work.dW_g1)
    W_g1 -= dW_g1

    # (58) db_g1[j] = sum[n](dz_g1[n, j]), times rate
    db_g1 = work.ones_N.dot(dz_g1, out=work.db_g1)
    b_g1 -= db_g1

    return generator


@np.errstate(over="ignore")
def coverage(params, *, x, z=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (17) between[n, m] = sum[i]((x[n, i] - fake[m, i])**2)
    subtract_17 = np.subtract(x[:, None], fake, out=work.subtract_17)
    between = np.einsum("...i,...i->...", subtract_17, subtract_17, out=work.between)

    # (18) apart[n, m] = 1000 * [m = n] + sum[i]((x[n, i] - x[m, i])**2)
    subtract_18 = np.subtract(x[:, None], x, out=work.subtract_17)
    apart = np.einsum("...i,...i->...", subtract_18, subtract_18, out=work.apart)
    apart += work.fixed_N_3

    # (19) to_fake[n] = sqrt(min[m](between[n, m]))
    to_fake = np.minimum.reduce(between, axis=1, out=work.to_fake)
    np.sqrt(to_fake, out=to_fake)

    # (21) to_other[n] = sqrt(min[m](apart[n, m]))
    to_other = np.minimum.reduce(apart, axis=1, out=work.to_other)
    np.sqrt(to_other, out=to_other)

    # (24) coverage = sum[n](to_fake[n]) / sum[n](to_other[n])
    total_24 = float(np.add.reduce(to_other, axis=None))
    total_24_2 = float(np.add.reduce(to_fake, axis=None))
    coverage = float(np.divide(total_24_2, total_24))

    return coverage


@np.errstate(over="ignore")
def coverage_and_grads(params, *, x, z=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (17) between[n, m] = sum[i]((x[n, i] - fake[m, i])**2)
    subtract_17 = np.subtract(x[:, None], fake, out=work.subtract_17)
    between = np.einsum("...i,...i->...", subtract_17, subtract_17, out=work.between)

    # (18) apart[n, m] = 1000 * [m = n] + sum[i]((x[n, i] - x[m, i])**2)
    subtract_18 = np.subtract(x[:, None], x, out=work.subtract_17)
    apart = np.einsum("...i,...i->...", subtract_18, subtract_18, out=work.apart)
    apart += work.fixed_N_3

    # (19) to_fake[n] = sqrt(min[m](between[n, m]))
    to_fake = np.minimum.reduce(between, axis=1, out=work.to_fake)
    np.sqrt(to_fake, out=to_fake)

    # (21) to_other[n] = sqrt(min[m](apart[n, m]))
    to_other = np.minimum.reduce(apart, axis=1, out=work.to_other)
    np.sqrt(to_other, out=to_other)

    # (24) coverage = sum[n](to_fake[n]) / sum[n](to_other[n])
    total_24 = float(np.add.reduce(to_other, axis=None))
    total_24_2 = float(np.add.reduce(to_fake, axis=None))
    coverage = float(np.divide(total_24_2, total_24))

    return coverage, {}


@np.errstate(over="ignore")
def likeness(params, *, x, z=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (17) between[n, m] = sum[i]((x[n, i] - fake[m, i])**2)
    subtract_17 = np.subtract(x[:, None], fake, out=work.subtract_17)
    between = np.einsum("...i,...i->...", subtract_17, subtract_17, out=work.between)

    # (18) apart[n, m] = 1000 * [m = n] + sum[i]((x[n, i] - x[m, i])**2)
    subtract_18 = np.subtract(x[:, None], x, out=work.subtract_17)
    apart = np.einsum("...i,...i->...", subtract_18, subtract_18, out=work.apart)
    apart += work.fixed_N_3

    # (20) to_real[m] = sqrt(min[n](between[n, m]))
    to_real = np.minimum.reduce(between, axis=0, out=work.to_other)
    np.sqrt(to_real, out=to_real)

    # (21) to_other[n] = sqrt(min[m](apart[n, m]))
    to_other = np.minimum.reduce(apart, axis=1, out=work.to_fake)
    np.sqrt(to_other, out=to_other)

    # (24) coverage = sum[n](to_fake[n]) / sum[n](to_other[n])
    total_24 = float(np.add.reduce(to_other, axis=None))

    # (25) likeness = sum[m](to_real[m]) / sum[n](to_other[n])
    total_25 = float(np.add.reduce(to_real, axis=None))
    likeness = float(np.divide(total_25, total_24))

    return likeness


@np.errstate(over="ignore")
def likeness_and_grads(params, *, x, z=None, rng=None, workspace=None, training=True):
    """Return the loss."""
    given = {"x": x, "z": z}
    work = _prepare(params, given, workspace)
    _draw(given, rng, work)
    z = given["z"]
    W_g1 = params["W_g1"]
    b_g1 = params["b_g1"]
    W_g2 = params["W_g2"]
    b_g2 = params["b_g2"]
    W_g3 = params["W_g3"]
    b_g3 = params["b_g3"]

    # (1) z_g1[n, j] = b_g1[j] + sum[i](W_g1[i, j] * z[n, i])
    z_g1 = np.matmul(z, W_g1, out=work.z_g1)
    np.add(z_g1, b_g1, out=z_g1)

    # (2) g1[n, j] = relu(z_g1[n, j])
    g1 = np.maximum(z_g1, 0.0, out=z_g1)

    # (3) z_g2[n, j] = b_g2[j] + sum[i](W_g2[i, j] * g1[n, i])
    z_g2 = np.matmul(g1, W_g2, out=work.z_g2)
    np.add(z_g2, b_g2, out=z_g2)

    # (4) g2[n, j] = relu(z_g2[n, j])
    g2 = np.maximum(z_g2, 0.0, out=z_g2)

    # (5) z_g3[n, j] = b_g3[j] + sum[i](W_g3[i, j] * g2[n, i])
    z_g3 = g2.dot(W_g3, out=work.z_g3)
    np.add(z_g3, b_g3, out=z_g3)

    # (6) fake[n, j] = sigmoid(z_g3[n, j])
    fake = np.negative(z_g3, out=z_g3)
    np.exp(fake, out=fake)
    fake += 1.0
    np.reciprocal(fake, out=fake)

    # (17) between[n, m] = sum[i]((x[n, i] - fake[m, i])**2)
    subtract_17 = np.subtract(x[:, None], fake, out=work.subtract_17)
    between = np.einsum("...i,...i->...", subtract_17, subtract_17, out=work.between)

    # (18) apart[n, m] = 1000 * [m = n] + sum[i]((x[n, i] - x[m, i])**2)
    subtract_18 = np.subtract(x[:, None], x, out=work.subtract_17)
    apart = np.einsum("...i,...i->...", subtract_18, subtract_18, out=work.apart)
    apart += work.fixed_N_3

    # (20) to_real[m] = sqrt(min[n](between[n, m]))
    to_real = np.minimum.reduce(between, axis=0, out=work.to_other)
    np.sqrt(to_real, out=to_real)

    # (21) to_other[n] = sqrt(min[m](apart[n, m]))
    to_other = np.minimum.reduce(apart, axis=1, out=work.to_fake)
    np.sqrt(to_other, out=to_other)

    # (24) coverage = sum[n](to_fake[n]) / sum[n](to_other[n])
    total_24 = float(np.add.reduce(to_other, axis=None))

    # (25) likeness = sum[m](to_real[m]) / sum[n](to_other[n])
    total_25 = float(np.add.reduce(to_real, axis=None))
    likeness = float(np.divide(total_25, total_24))

    return likeness, {}


def _draw(given, rng, work):
    """Draw what may be drawn and was not given, in order; `rng` is a generator or a seed."""
    waiting = [name for name in given if name in _DRAWS and given[name] is None]
    if not waiting:
        return
    try:
        rng = np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng: expected a generator or a seed, got {rng!r}") from None
    for name in waiting:
        given[name] = out = work._drawn[name]
        if _DRAWS[name][0] == "normal":
            _normal_into(out, rng, *_DRAWS[name][1:])


def _normal_into(out, rng, mean, std):
    """Normal numbers."""
    rng.standard_normal(dtype=out.dtype, out=out)
    np.multiply(out, std, out=out)
    np.add(out, mean, out=out)


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


def _prepare(params, given, workspace, extents=None):
    """Check every argument; return the workspace to use."""
    own = workspace is None or isinstance(workspace, Workspace)
    if not own:
        came = type(workspace).__name__
        raise ValueError(f"workspace: {came}, expected a Workspace of this module")
    given = {
        name: array
        for name, array in given.items()
        if array is not None or name not in _DRAWS
    }
    asked = extents or {}
    passed = _passed(asked)
    if workspace is None or passed or not _fits(params, given, workspace):
        extents, dtype = _check(params, given, passed)
        if workspace is None:
            for name in asked:
                if name not in extents:
                    raise ValueError(
                        f"{name}: no array has this extent: pass {name}= or workspace="
                    )
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


def _passed(extents):
    """The extents that were passed as numbers, each with its name."""
    passed = {name: extent for name, extent in extents.items() if extent is not None}
    _check_extents(passed)
    return {name: (extent, name) for name, extent in passed.items()}


def _check(params, given, passed):
    """Hold all arrays against SHAPES; return the run-time extents and the dtype.

    Raises ValueError that names the argument, what came and what was expected.
    """
    if not hasattr(params, "keys"):
        raise ValueError(f"params: expected a dict, got {type(params).__name__}")
    if list(params) != _PARAMETERS and sorted(params) != sorted(_PARAMETERS):
        _refuse_names(params)
    extents = dict(passed)
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
