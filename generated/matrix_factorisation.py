"""Ratings of films from factors and biases

Reading rows by number on the way forward means adding into those rows on the way back:
each user's factors gather the errors of that user's ratings alone, times the factors of
the films rated. What a user has rated is held to small factors, as often as it has been
rated (Koren, Bell and Volinsky 2009).

Written by symbackprop from the spec matrix_factorisation (5f2966198ee663d7).
Call init_params, then forward, loss_and_grads, sgd_step.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "user": ("N",),
    "item": ("N",),
    "rating": ("N",),
    "P": (943, 16),
    "Q": (1682, 16),
    "a": (943,),
    "b": (1682,),
    "p": ("N",),
}

_PARAMETERS = [
    "P",
    "Q",
    "a",
    "b",
]
_KINDS = {
    "user": "iu",
    "item": "iu",
}
_CLASSES = {
    "user": 943,
    "item": 1682,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "P": _normal(rng, (943, 16), 0.1, dtype),
        "Q": _normal(rng, (1682, 16), 0.1, dtype),
        "a": np.zeros((943,), dtype),
        "b": np.zeros((1682,), dtype),
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
        self.ones_16 = np.ones(16, dtype)
        self.range_7544 = np.arange(7544)
        self.range_13456 = np.arange(13456)
        self.take_1 = np.empty((N,), dtype)
        self.take_1_2 = np.empty((N,), dtype)
        self.take_1_3 = _aligned((N, 16), dtype)
        self.take_1_4 = _aligned((N, 16), dtype)
        self.p = np.empty((N,), dtype)
        self.add_1 = np.empty((N,), dtype)
        self.multiply_2_2 = np.empty((N,), dtype)
        self.multiply_2_3 = _aligned((N, 16), dtype)
        self.multiply_2_4 = _aligned((N, 16), dtype)
        self.size = np.empty((N,), dtype)
        self.dP = _aligned((943, 16), dtype)
        self.places_5 = np.empty((N, 8), np.intp)
        self.dQ = _aligned((1682, 16), dtype)
        self.da = np.empty((943,), dtype)
        self.db = _aligned((1682,), dtype)
        self._alike = _alike(self._shapes)


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, user, item, workspace=None, training=False):
    """Return p, by name."""
    work = _prepare(params, {"user": user, "item": item}, workspace)
    user = np.asarray(user, dtype=np.intp)
    item = np.asarray(item, dtype=np.intp)
    P = params["P"]
    Q = params["Q"]
    a = params["a"]
    b = params["b"]

    # (1) p[n] = 7 / 2 + a[user[n]] + b[item[n]] + sum[f](P[user[n], f] * Q[item[n], f])
    take_1 = a.take(user, out=work.take_1, mode="clip")
    take_1_2 = b.take(item, out=work.take_1_2, mode="clip")
    take_1_3 = P.take(user, axis=0, out=work.take_1_3, mode="clip")
    take_1_4 = Q.take(item, axis=0, out=work.take_1_4, mode="clip")
    p = np.einsum("...i,...i->...", take_1_3, take_1_4, out=work.p)
    take_1 += 3.5
    take_1_2 += take_1
    p += take_1_2

    return {
        "p": p,
    }


def loss(params, *, user, item, rating, workspace=None, training=True):
    """Return the loss."""
    work = _prepare(params, {"user": user, "item": item, "rating": rating}, workspace)
    N = work.N
    user = np.asarray(user, dtype=np.intp)
    item = np.asarray(item, dtype=np.intp)
    P = params["P"]
    Q = params["Q"]
    a = params["a"]
    b = params["b"]

    # (1) p[n] = 7 / 2 + a[user[n]] + b[item[n]] + sum[f](P[user[n], f] * Q[item[n], f])
    take_1 = a.take(user, out=work.take_1, mode="clip")
    take_1_2 = b.take(item, out=work.take_1_2, mode="clip")
    take_1_3 = P.take(user, axis=0, out=work.take_1_3, mode="clip")
    take_1_4 = Q.take(item, axis=0, out=work.take_1_4, mode="clip")
    p = np.einsum("...i,...i->...", take_1_3, take_1_4, out=work.p)
    add_1 = np.add(take_1, 3.5, out=work.add_1)
    add_1 += take_1_2
    p += add_1

    # (2) size[n] = a[user[n]]**2 + b[item[n]]**2 + sum[f](P[user[n], f]**2 + Q[item[n],
    #     f]**2)
    multiply_2 = np.multiply(take_1, take_1, out=take_1)
    multiply_2_2 = np.multiply(take_1_2, take_1_2, out=take_1_2)
    multiply_2_3 = np.multiply(take_1_3, take_1_3, out=take_1_3)
    multiply_2_4 = np.multiply(take_1_4, take_1_4, out=take_1_4)
    multiply_2_4 += multiply_2_3
    size = multiply_2_4.dot(work.ones_16, out=work.size)
    multiply_2_2 += multiply_2
    size += multiply_2_2

    # (3) loss = sum[n]((p[n] - rating[n])**2) / N + 2 * sum[n](size[n]) / (25 * N)
    subtract_3 = np.subtract(p, rating, out=p)
    product_3 = float(subtract_3.dot(subtract_3))
    divide_3 = product_3 / N
    total_3 = float(np.add.reduce(size, axis=None))
    divide_3_2 = total_3 / N
    multiply_3 = divide_3_2 * 0.08
    loss = multiply_3 + divide_3

    return loss


def loss_and_grads(params, *, user, item, rating, workspace=None, training=True):
    """Return the loss and its gradients by P, Q, a, b."""
    work = _prepare(params, {"user": user, "item": item, "rating": rating}, workspace)
    N = work.N
    user = np.asarray(user, dtype=np.intp)
    item = np.asarray(item, dtype=np.intp)
    P = params["P"]
    Q = params["Q"]
    a = params["a"]
    b = params["b"]

    # (1) p[n] = 7 / 2 + a[user[n]] + b[item[n]] + sum[f](P[user[n], f] * Q[item[n], f])
    take_1 = a.take(user, out=work.take_1, mode="clip")
    take_1_2 = b.take(item, out=work.take_1_2, mode="clip")
    take_1_3 = P.take(user, axis=0, out=work.take_1_3, mode="clip")
    take_1_4 = Q.take(item, axis=0, out=work.take_1_4, mode="clip")
    p = np.einsum("...i,...i->...", take_1_3, take_1_4, out=work.p)
    add_1 = np.add(take_1, 3.5, out=work.add_1)
    add_1 += take_1_2
    p += add_1

    # (2) size[n] = a[user[n]]**2 + b[item[n]]**2 + sum[f](P[user[n], f]**2 + Q[item[n],
    #     f]**2)
    multiply_2 = np.multiply(take_1, take_1, out=work.add_1)
    multiply_2_2 = np.multiply(take_1_2, take_1_2, out=work.multiply_2_2)
    multiply_2_3 = np.multiply(take_1_3, take_1_3, out=work.multiply_2_3)
    multiply_2_4 = np.multiply(take_1_4, take_1_4, out=work.multiply_2_4)
    multiply_2_4 += multiply_2_3
    size = multiply_2_4.dot(work.ones_16, out=work.size)
    multiply_2_2 += multiply_2
    size += multiply_2_2

    # (3) loss = sum[n]((p[n] - rating[n])**2) / N + 2 * sum[n](size[n]) / (25 * N)
    subtract_3 = np.subtract(p, rating, out=p)
    product_3 = float(subtract_3.dot(subtract_3))
    divide_3 = product_3 / N
    total_3 = float(np.add.reduce(size, axis=None))
    divide_3_2 = total_3 / N
    multiply_3 = divide_3_2 * 0.08
    loss = multiply_3 + divide_3

    # (4) dp[n] = 2 * (p[n] - rating[n]) / N
    dp = np.multiply(subtract_3, 2 / N, out=subtract_3)

    # (5) dP[i, j] = 4 * sum[n](P[user[n], j] * [i = user[n]]) / (25 * N) + sum[n](dp[n]
    #     * Q[item[n], j] * [i = user[n]])
    dP = work.dP
    dP.fill(0.0)
    places_5 = work.places_5
    _at_rows(np.add, dP, user, take_1_3, work.range_7544.reshape(943, 8), places_5)
    dP /= N
    dP *= 0.16
    multiply_5 = np.multiply(take_1_4, dp[:, None], out=work.multiply_2_4)
    places_5_2 = work.places_5
    _at_rows(np.add, dP, user, multiply_5, work.range_7544.reshape(943, 8), places_5_2)

    # (6) dQ[i, j] = 4 * sum[n](Q[item[n], j] * [i = item[n]]) / (25 * N) + sum[n](dp[n]
    #     * P[user[n], j] * [i = item[n]])
    dQ = work.dQ
    dQ.fill(0.0)
    places_6 = work.places_5
    _at_rows(np.add, dQ, item, take_1_4, work.range_13456.reshape(1682, 8), places_6)
    dQ /= N
    dQ *= 0.16
    multiply_6 = np.multiply(take_1_3, dp[:, None], out=take_1_3)
    places_6_2 = work.places_5
    _at_rows(
        np.add, dQ, item, multiply_6, work.range_13456.reshape(1682, 8), places_6_2
    )

    # (7) da[i] = 4 * sum[n](a[user[n]] * [i = user[n]]) / (25 * N) + sum[n](dp[n] * [i
    #     = user[n]])
    da = work.da
    da.fill(0.0)
    np.add.at(da, user, take_1)
    da /= N
    da *= 0.16
    np.add.at(da, user, dp)

    # (8) db[i] = 4 * sum[n](b[item[n]] * [i = item[n]]) / (25 * N) + sum[n](dp[n] * [i
    #     = item[n]])
    db = work.db
    db.fill(0.0)
    np.add.at(db, item, take_1_2)
    db /= N
    db *= 0.16
    np.add.at(db, item, dp)

    return loss, {
        "P": dP,
        "Q": dQ,
        "a": da,
        "b": db,
    }


def sgd_step(params, *, user, item, rating, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    work = _prepare(params, {"user": user, "item": item, "rating": rating}, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    user = np.asarray(user, dtype=np.intp)
    item = np.asarray(item, dtype=np.intp)
    P = params["P"]
    Q = params["Q"]
    a = params["a"]
    b = params["b"]

    # (1) p[n] = 7 / 2 + a[user[n]] + b[item[n]] + sum[f](P[user[n], f] * Q[item[n], f])
    take_1 = a.take(user, out=work.take_1, mode="clip")
    take_1_2 = b.take(item, out=work.take_1_2, mode="clip")
    take_1_3 = P.take(user, axis=0, out=work.take_1_3, mode="clip")
    take_1_4 = Q.take(item, axis=0, out=work.take_1_4, mode="clip")
    p = np.einsum("...i,...i->...", take_1_3, take_1_4, out=work.p)
    add_1 = np.add(take_1, 3.5, out=work.add_1)
    add_1 += take_1_2
    p += add_1

    # (2) size[n] = a[user[n]]**2 + b[item[n]]**2 + sum[f](P[user[n], f]**2 + Q[item[n],
    #     f]**2)
    multiply_2 = np.multiply(take_1, take_1, out=work.add_1)
    multiply_2_2 = np.multiply(take_1_2, take_1_2, out=work.multiply_2_2)
    multiply_2_3 = np.multiply(take_1_3, take_1_3, out=work.multiply_2_3)
    multiply_2_4 = np.multiply(take_1_4, take_1_4, out=work.multiply_2_4)
    multiply_2_4 += multiply_2_3
    size = multiply_2_4.dot(work.ones_16, out=work.size)
    multiply_2_2 += multiply_2
    size += multiply_2_2

    # (3) loss = sum[n]((p[n] - rating[n])**2) / N + 2 * sum[n](size[n]) / (25 * N)
    subtract_3 = np.subtract(p, rating, out=p)
    product_3 = float(subtract_3.dot(subtract_3))
    divide_3 = product_3 / N
    total_3 = float(np.add.reduce(size, axis=None))
    divide_3_2 = total_3 / N
    multiply_3 = divide_3_2 * 0.08
    loss = multiply_3 + divide_3

    # (4) dp[n] = 2 * (p[n] - rating[n]) / N, times rate
    multiply_4 = rate * (2 / N)
    dp = np.multiply(multiply_4, subtract_3, out=subtract_3)

    # (5) dP[i, j] = 4 * sum[n](P[user[n], j] * [i = user[n]]) / (25 * N) + sum[n](dp[n]
    #     * Q[item[n], j] * [i = user[n]]), times rate
    multiply_5 = rate * 0.16
    dP = work.dP
    dP.fill(0.0)
    places_5 = work.places_5
    _at_rows(np.add, dP, user, take_1_3, work.range_7544.reshape(943, 8), places_5)
    dP /= N
    dP *= multiply_5
    multiply_5_2 = np.multiply(take_1_4, dp[:, None], out=work.multiply_2_4)
    places_5_2 = work.places_5
    _at_rows(
        np.add, dP, user, multiply_5_2, work.range_7544.reshape(943, 8), places_5_2
    )
    P -= dP

    # (6) dQ[i, j] = 4 * sum[n](Q[item[n], j] * [i = item[n]]) / (25 * N) + sum[n](dp[n]
    #     * P[user[n], j] * [i = item[n]]), times rate
    dQ = work.dQ
    dQ.fill(0.0)
    places_6 = work.places_5
    _at_rows(np.add, dQ, item, take_1_4, work.range_13456.reshape(1682, 8), places_6)
    dQ /= N
    dQ *= multiply_5
    multiply_6 = np.multiply(take_1_3, dp[:, None], out=take_1_3)
    places_6_2 = work.places_5
    _at_rows(
        np.add, dQ, item, multiply_6, work.range_13456.reshape(1682, 8), places_6_2
    )
    Q -= dQ

    # (7) da[i] = 4 * sum[n](a[user[n]] * [i = user[n]]) / (25 * N) + sum[n](dp[n] * [i
    #     = user[n]]), times rate
    da = work.da
    da.fill(0.0)
    np.add.at(da, user, take_1)
    da /= N
    da *= multiply_5
    np.add.at(da, user, dp)
    a -= da

    # (8) db[i] = 4 * sum[n](b[item[n]] * [i = item[n]]) / (25 * N) + sum[n](dp[n] * [i
    #     = item[n]]), times rate
    db = work.db
    db.fill(0.0)
    np.add.at(db, item, take_1_2)
    db /= N
    db *= multiply_5
    np.add.at(db, item, dp)
    b -= db

    return loss


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


def _normal(rng, shape, std, dtype):
    """Normal with the given standard deviation."""
    return np.asarray(std * rng.standard_normal(shape), dtype)
