"""Words by the company they keep

What a word means shows in the words around it. Each of 5,000 words of Shakespeare has
two vectors; those of words that stand near each other are pulled together, and pushed
from those of five words that are drawn by frequency (Mikolov et al., 2013). A batch
reads a few thousand rows of the two tables, and the gradients are handed out as those
rows alone: a step costs the same however many words there are. The held-out loss ends
at 2.6 or below, from 6 log 2 = 4.16 where all products are 0. Nearest to sea are then
shore, ship, pearl and earth; to rome senators, patricians and citizens; to eyes tears,
cheeks and lips.

Written by symbackprop from the spec skip_gram (fdbcba49b4743db9).
Call init_params, then forward, loss_and_grads, sgd_step.

The gradients by E, C are pairs (rows, values): the gradient of a row is the sum of the
values for it; all other rows have 0.

The numbers in the comments are those of the equations in the derivation; [condition] is
1 where the condition holds, else 0.
"""

import numpy as np

SHAPES = {
    "word": ("N",),
    "context": ("N",),
    "negative": ("N", 5),
    "E": (5000, 64),
    "C": (5000, 64),
    "near": ("N",),
}

_PARAMETERS = [
    "E",
    "C",
]
_KINDS = {
    "word": "iu",
    "context": "iu",
    "negative": "iu",
}
_CLASSES = {
    "word": 5000,
    "context": 5000,
    "negative": 5000,
}
_EXTENTS = [
    "N",
]


def init_params(seed=0, dtype=np.float32):
    """Return the parameters as training starts; `seed` may be a generator."""
    rng = np.random.default_rng(seed)
    return {
        "E": _uniform(rng, (5000, 64), -0.5, 0.5, dtype),
        "C": np.zeros((5000, 64), dtype),
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
        self.ones_5 = np.ones(5, dtype)
        self.range_160000 = np.arange(160000)
        self.take_1 = _aligned((N, 64), dtype)
        self.take_1_2 = _aligned((N, 64), dtype)
        self.near = np.empty((N,), dtype)
        self.take_2 = _aligned((N, 5, 64), dtype)
        self.far = np.empty((N, 5), dtype)
        self.absolute_3 = np.empty((N, 5), dtype)
        self.maximum_3 = np.empty((N, 5), dtype)
        self.total_3 = np.empty((N,), dtype)
        self.cost = np.empty((N,), dtype)
        self.absolute_3_2 = np.empty((N,), dtype)
        self.multiply_7 = _aligned((N, 64), dtype)
        self.multiply_7_2 = _aligned((64, 5, N), dtype)
        self.copy_7 = np.empty((5 * N,), np.intp)
        self.dC_rows = np.empty((6 * N,), np.intp)
        self.dC = _aligned((6 * N, 64), dtype)
        self.dE_rows = np.empty((2 * N,), np.intp)
        self.dE = _aligned((2 * N, 64), dtype)
        self.places_8 = np.empty((2 * N, 32), np.intp)
        self.places_7 = np.empty((6 * N, 32), np.intp)
        self._alike = _alike(self._shapes)
        self.one = np.ones((), dtype)  # quicker beside few entries than a number


def _aligned(shape, dtype):
    """An array that begins with a line of the cache: what crosses lines is read slower."""
    size = int(np.prod(shape))
    memory = np.empty(size + 64, dtype)
    start = -memory.__array_interface__["data"][0] % 64 // memory.itemsize
    return memory[start : start + size].reshape(shape)


def forward(params, *, word, context, workspace=None, training=False):
    """Return near, by name."""
    work = _prepare(params, {"word": word, "context": context}, workspace)
    word = np.asarray(word, dtype=np.intp)
    context = np.asarray(context, dtype=np.intp)
    E = params["E"]
    C = params["C"]

    # (1) near[n] = sum[f](C[context[n], f] * E[word[n], f])
    take_1 = C.take(context, axis=0, out=work.take_1, mode="clip")
    take_1_2 = E.take(word, axis=0, out=work.take_1_2, mode="clip")
    near = np.einsum("...i,...i->...", take_1, take_1_2, out=work.near)

    return {
        "near": near,
    }


def loss(params, *, word, context, negative, workspace=None, training=True):
    """Return the loss."""
    given = {"word": word, "context": context, "negative": negative}
    work = _prepare(params, given, workspace)
    N = work.N
    word = np.asarray(word, dtype=np.intp)
    context = np.asarray(context, dtype=np.intp)
    negative = np.asarray(negative, dtype=np.intp)
    E = params["E"]
    C = params["C"]

    # (1) near[n] = sum[f](C[context[n], f] * E[word[n], f])
    take_1 = C.take(context, axis=0, out=work.take_1, mode="clip")
    take_1_2 = E.take(word, axis=0, out=work.take_1_2, mode="clip")
    near = np.einsum("...i,...i->...", take_1, take_1_2, out=work.near)

    # (2) far[n, j] = sum[f](C[negative[n, j], f] * E[word[n], f])
    take_2 = C.take(negative, axis=0, out=work.take_2, mode="clip")
    far = work.far
    np.matmul(take_2, take_1_2[:, :, None], out=far.reshape(N, 5, 1))

    # (3) cost[n] = sum[j](softplus(far[n, j])) + softplus(-near[n])
    absolute_3 = np.absolute(far, out=work.absolute_3)
    np.negative(absolute_3, out=absolute_3)
    np.exp(absolute_3, out=absolute_3)
    np.log1p(absolute_3, out=absolute_3)
    maximum_3 = np.maximum(far, 0.0, out=far)
    maximum_3 += absolute_3
    total_3 = maximum_3.dot(work.ones_5, out=work.total_3)
    cost = np.negative(near, out=work.cost)
    absolute_3_2 = np.absolute(near, out=near)
    np.negative(absolute_3_2, out=absolute_3_2)
    np.exp(absolute_3_2, out=absolute_3_2)
    np.log1p(absolute_3_2, out=absolute_3_2)
    np.maximum(cost, 0.0, out=cost)
    cost += absolute_3_2
    cost += total_3

    # (4) loss = sum[n](cost[n]) / N
    total_4 = float(np.add.reduce(cost, axis=None))
    loss = total_4 / N

    return loss


@np.errstate(over="ignore")
def loss_and_grads(params, *, word, context, negative, workspace=None, training=True):
    """Return the loss and its gradients by E, C."""
    given = {"word": word, "context": context, "negative": negative}
    work = _prepare(params, given, workspace)
    N = work.N
    word = np.asarray(word, dtype=np.intp)
    context = np.asarray(context, dtype=np.intp)
    negative = np.asarray(negative, dtype=np.intp)
    E = params["E"]
    C = params["C"]

    # (1) near[n] = sum[f](C[context[n], f] * E[word[n], f])
    take_1 = C.take(context, axis=0, out=work.take_1, mode="clip")
    take_1_2 = E.take(word, axis=0, out=work.take_1_2, mode="clip")
    near = np.einsum("...i,...i->...", take_1, take_1_2, out=work.near)

    # (2) far[n, j] = sum[f](C[negative[n, j], f] * E[word[n], f])
    take_2 = C.take(negative, axis=0, out=work.take_2, mode="clip")
    far = work.far
    np.matmul(take_2, take_1_2[:, :, None], out=far.reshape(N, 5, 1))

    # (3) cost[n] = sum[j](softplus(far[n, j])) + softplus(-near[n])
    absolute_3 = np.absolute(far, out=work.absolute_3)
    np.negative(absolute_3, out=absolute_3)
    np.exp(absolute_3, out=absolute_3)
    np.log1p(absolute_3, out=absolute_3)
    maximum_3 = np.maximum(far, 0.0, out=work.maximum_3)
    maximum_3 += absolute_3
    total_3 = maximum_3.dot(work.ones_5, out=work.total_3)
    cost = np.negative(near, out=work.cost)
    absolute_3_2 = np.absolute(near, out=work.absolute_3_2)
    np.negative(absolute_3_2, out=absolute_3_2)
    np.exp(absolute_3_2, out=absolute_3_2)
    np.log1p(absolute_3_2, out=absolute_3_2)
    np.maximum(cost, 0.0, out=cost)
    cost += absolute_3_2
    cost += total_3

    # (4) loss = sum[n](cost[n]) / N
    total_4 = float(np.add.reduce(cost, axis=None))
    loss = total_4 / N

    # (5) dfar[n, j] = sigmoid(far[n, j]) / N
    dfar = np.negative(far, out=far)
    np.exp(dfar, out=dfar)
    dfar += work.one
    np.reciprocal(dfar, out=dfar)
    dfar /= N

    # (6) dnear[n] = -sigmoid(-near[n]) / N
    dnear = np.exp(near, out=near)
    dnear += work.one
    np.reciprocal(dnear, out=dnear)
    dnear /= -N

    # (7) dC[i, j] = sum[n](dnear[n] * E[word[n], j] * [i = context[n]]) + sum[n,
    #     j1](E[word[n], j] * dfar[n, j1] * [i = negative[n, j1]])
    multiply_7 = np.multiply(take_1_2, dnear[:, None], out=work.multiply_7)
    multiply_7_2 = np.multiply(dfar.T, take_1_2.T[:, None], out=work.multiply_7_2)
    copy_7 = work.copy_7
    np.copyto(copy_7.reshape(5, N), negative.T)
    dC_rows = work.dC_rows
    dC_rows[0:N] = context
    dC_rows[N : 6 * N] = copy_7
    dC = work.dC
    dC[0:N] = multiply_7
    dC[N : 6 * N] = multiply_7_2.transpose(1, 2, 0).reshape(5 * N, 64)

    # (8) dE[i, j] = sum[n](dnear[n] * C[context[n], j] * [i = word[n]]) + sum[n,
    #     j1](C[negative[n, j1], j] * dfar[n, j1] * [i = word[n]])
    multiply_8 = np.multiply(take_1, dnear[:, None], out=take_1)
    product_8 = work.multiply_7
    np.matmul(dfar[:, None], take_2, out=product_8.reshape(N, 1, 64))
    dE_rows = work.dE_rows
    dE_rows[0:N] = word
    dE_rows[N : 2 * N] = word
    dE = work.dE
    dE[0:N] = multiply_8
    dE[N : 2 * N] = product_8

    return loss, {
        "E": (dE_rows, dE),
        "C": (dC_rows, dC),
    }


@np.errstate(over="ignore")
def sgd_step(params, *, word, context, negative, rate, workspace=None, training=True):
    """Change the parameters by -rate times the gradients; return the loss."""
    given = {"word": word, "context": context, "negative": negative}
    work = _prepare(params, given, workspace)
    rate = _checked_rate(rate, params, work)
    N = work.N
    word = np.asarray(word, dtype=np.intp)
    context = np.asarray(context, dtype=np.intp)
    negative = np.asarray(negative, dtype=np.intp)
    E = params["E"]
    C = params["C"]

    # (1) near[n] = sum[f](C[context[n], f] * E[word[n], f])
    take_1 = C.take(context, axis=0, out=work.take_1, mode="clip")
    take_1_2 = E.take(word, axis=0, out=work.take_1_2, mode="clip")
    near = np.einsum("...i,...i->...", take_1, take_1_2, out=work.near)

    # (2) far[n, j] = sum[f](C[negative[n, j], f] * E[word[n], f])
    take_2 = C.take(negative, axis=0, out=work.take_2, mode="clip")
    far = work.far
    np.matmul(take_2, take_1_2[:, :, None], out=far.reshape(N, 5, 1))

    # (3) cost[n] = sum[j](softplus(far[n, j])) + softplus(-near[n])
    absolute_3 = np.absolute(far, out=work.absolute_3)
    np.negative(absolute_3, out=absolute_3)
    np.exp(absolute_3, out=absolute_3)
    np.log1p(absolute_3, out=absolute_3)
    maximum_3 = np.maximum(far, 0.0, out=work.maximum_3)
    maximum_3 += absolute_3
    total_3 = maximum_3.dot(work.ones_5, out=work.total_3)
    cost = np.negative(near, out=work.cost)
    absolute_3_2 = np.absolute(near, out=work.absolute_3_2)
    np.negative(absolute_3_2, out=absolute_3_2)
    np.exp(absolute_3_2, out=absolute_3_2)
    np.log1p(absolute_3_2, out=absolute_3_2)
    np.maximum(cost, 0.0, out=cost)
    cost += absolute_3_2
    cost += total_3

    # (4) loss = sum[n](cost[n]) / N
    total_4 = float(np.add.reduce(cost, axis=None))
    loss = total_4 / N

    # (5) dfar[n, j] = sigmoid(far[n, j]) / N, times rate
    dfar = np.negative(far, out=far)
    np.exp(dfar, out=dfar)
    dfar += work.one
    np.reciprocal(dfar, out=dfar)
    divide_5 = rate / N
    dfar *= divide_5

    # (6) dnear[n] = -sigmoid(-near[n]) / N, times rate
    dnear = np.exp(near, out=near)
    dnear += work.one
    np.reciprocal(dnear, out=dnear)
    divide_6 = rate / (-N)
    dnear *= divide_6

    # (8) dE[i, j] = sum[n](dnear[n] * C[context[n], j] * [i = word[n]]) + sum[n,
    #     j1](C[negative[n, j1], j] * dfar[n, j1] * [i = word[n]]), times rate
    multiply_8 = np.multiply(take_1, dnear[:, None], out=take_1)
    product_8 = work.multiply_7
    np.matmul(dfar[:, None], take_2, out=product_8.reshape(N, 1, 64))
    dE_rows = work.dE_rows
    dE_rows[0:N] = word
    dE_rows[N : 2 * N] = word
    assemble_8 = work.dE
    assemble_8[0:N] = multiply_8
    assemble_8[N : 2 * N] = product_8
    places_8 = work.places_8
    _at_rows(
        np.subtract,
        E,
        dE_rows,
        assemble_8,
        work.range_160000.reshape(5000, 32),
        places_8,
    )

    # (7) dC[i, j] = sum[n](dnear[n] * E[word[n], j] * [i = context[n]]) + sum[n,
    #     j1](E[word[n], j] * dfar[n, j1] * [i = negative[n, j1]]), times rate
    multiply_7 = np.multiply(take_1_2, dnear[:, None], out=work.multiply_7)
    multiply_7_2 = np.multiply(dfar.T, take_1_2.T[:, None], out=work.multiply_7_2)
    copy_7 = work.copy_7
    np.copyto(copy_7.reshape(5, N), negative.T)
    dC_rows = work.dC_rows
    dC_rows[0:N] = context
    dC_rows[N : 6 * N] = copy_7
    assemble_7 = work.dC
    assemble_7[0:N] = multiply_7
    assemble_7[N : 6 * N] = multiply_7_2.transpose(1, 2, 0).reshape(5 * N, 64)
    places_7 = work.places_7
    _at_rows(
        np.subtract,
        C,
        dC_rows,
        assemble_7,
        work.range_160000.reshape(5000, 32),
        places_7,
    )

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


def _uniform(rng, shape, low, high, dtype):
    """Uniform from low to high."""
    return np.asarray(rng.uniform(low, high, shape), dtype)
