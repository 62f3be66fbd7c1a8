"""What a stranger's names mean: `hidden_weights` is W1, `X` is x, `grad_b2` is the gradient by b2.

A name means the symbol that is spelled like it, but for case and underscores; else the one whose
kind and layer it says in other words. What means nothing, or two things, means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RATES = ("lr", "rate", "learningrate", "eta", "alpha", "stepsize", "lrate", "learnrate", "epsilon")
_EXAMPLES = (
    "x", "xs", "xb", "input", "inputs", "inp", "data", "features", "batch", "images", "samples",
    "xtrain", "xbatch", "trainx", "trainingdata", "examples", "inputdata", "traininginputs",
)  # fmt: skip
_TARGETS = (
    "y", "ys", "yb", "t", "target", "targets", "label", "labels", "ytrue", "expected", "truth",
    "ytrain", "ybatch", "trainy", "desired", "answers", "trainingoutputs", "gold", "actual", "d",
    "expectedoutput", "groundtruth", "outputs", "tgt", "teacher",
)  # fmt: skip
_WEIGHTS = frozenset(
    [
        "w",
        "weight",
        "weights",
        "wt",
        "wts",
        "kernel",
        "theta",
        "matrix",
        "coef",
        "coefs",
        "ws",
        "thetas",
    ]
)
_BIASES = frozenset(["b", "bias", "biases", "offset", "intercept", "bs"])
_FIRST = frozenset(
    [
        "hidden",
        "hid",
        "h",
        "in",
        "input",
        "first",
        "ih",
        "xh",
        "i",
        "one",
        "hiddenlayer",
        "inputhidden",
    ]
)
_LAST = frozenset(
    ["output", "out", "o", "final", "last", "ho", "hy", "y", "outputlayer", "hiddenoutput", "head"]
)
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4"}
_GRADIENT = re.compile(
    r"^(grads?_?for_|gradients?_(of_)?|grads?_?(of_)?|d?loss_d_?|d[lj]_?d_?|delta_|nabla_|"
    r"partial_|sum_|acc_|total_|d_|g_|d(?=[A-Za-z])|g(?=[A-Za-z]))|"
    r"(_?grad(ient)?s?|_deltas?|_update|_change|_d|_g)$"
)
_NEW = re.compile(r"^(new_?|updated_?|next_?)|(_?new|_?updated|_?next|_?prime)$", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """A tensor of the spec, as far as names and containers care.

    role: input, parameter, state, or tensor for what an equation defines. `examples` is the axis
    along which examples stand, -1 for none.
    """

    name: str
    role: str
    kind: str
    rank: int
    examples: int = -1


def canonical(name: str) -> str:
    """The name without case and underscores."""
    return re.sub(r"[\W_]", "", name).lower()


def is_rate(name: str) -> bool:
    """Whether the name is one of those that learning rates have."""
    return canonical(name) in RATES


def meanings(names: Iterable[str], known: Sequence[Known]) -> dict[str, str]:
    """Which symbol each name means, where one is meant by one alone.

    A spelling wins over other words, and a symbol that is spelled out is no other name's.
    """
    names = list(dict.fromkeys(names))
    shifted = {n for n in names if _numbered_from_zero(n, known, known, names)}
    found = {n: n for n in names if any(n == k.name for k in known) and n not in shifted}
    for read in _READERS:
        left = [n for n in names if n not in found]
        free = [k for k in known if k.name not in found.values()]
        guesses = {n: meant for n in left if (meant := read(n, free, known, names))}
        found |= {n: m for n, m in guesses.items() if list(guesses.values()).count(m) == 1}
    return found


def gradient_meanings(
    names: Iterable[str], known: Sequence[Known], new: bool = True
) -> dict[str, str]:
    """The same for names of gradients, and with `new` for names of new values: new_W1, W1_grad."""
    names = list(dict.fromkeys(names))
    bare = {n: _bare(n, new) for n in names}
    found: dict[str, str] = {}
    for wording in (bare, {n: n for n in names}):
        left = [n for n in names if n not in found]
        free = [k for k in known if k.name not in found.values()]
        meant = meanings([wording[n] for n in left], free)
        for name in left:
            if wording[name] in meant and [wording[n] for n in left].count(wording[name]) == 1:
                found[name] = meant[wording[name]]
    return found


def along(path: Sequence[str | int]) -> str:
    """A path to a gradient as one name, without what says that it is a gradient: layers_0_W."""
    *front, last = map(str, path)
    return "_".join([*front, _bare(last, False)])


def says_gradient(name: str) -> bool:
    """Whether the name is made as names of gradients are: dW1, grad_b."""
    return _GRADIENT.search(name) is not None


def _bare(name: str, new: bool) -> str:
    stripped = _GRADIENT.sub("", name, count=1).strip("_")
    if stripped and stripped != name:
        return stripped
    return (_NEW.sub("", name).strip("_") or name) if new else name


Free = Sequence[Known]


def _spelled(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    return _only(k.name for k in free if canonical(k.name) == canonical(name))


def _numbered_from_zero(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    """W0 is W1 where there is no W0."""
    stem, number = _stem(canonical(name))
    if not number or any(_stem(canonical(k.name)) == (stem, "0") for k in known):
        return None
    if not any(_stem(canonical(n)) == (stem, "0") for n in names):
        return None
    wanted = (stem, str(int(number) + 1))
    return _only(k.name for k in free if _stem(canonical(k.name)) == wanted)


def _without_layer(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    """`Wf` is W1_f where no other layer has one."""
    bare = re.sub(r"\d+", "", canonical(name))
    return _only(k.name for k in free if re.sub(r"\d+", "", canonical(k.name)) == bare)


def _initial(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    """`kernel` is K."""
    spelled = (k.name for k in free if k.role in ("parameter", "input"))
    return _only(n for n in spelled if n.lower() == name[:1].lower())


def _said(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    """`hidden_weights`, `wo`, `bias2`: the kind of a parameter and its layer."""
    words = _words(name)
    kind = "w" if words & _WEIGHTS else "b" if words & _BIASES else ""
    if not kind:
        return None
    of_kind = [k for k in known if k.role == "parameter" and _kind(k) == kind]
    rest = words - (_WEIGHTS if kind == "w" else _BIASES)
    digits = sorted(w for w in rest if w.isdecimal())
    if digits:
        from_zero = any("0" in _words(n) and _words(n) & (words - rest) for n in names)
        position = int(digits[0]) + from_zero
        numbered = [k.name for k in of_kind if _stem(k.name)[1] == str(position)]
        if not numbered and 0 < position <= len(of_kind):
            numbered = [of_kind[position - 1].name]
        meant = _only(numbered)
    elif rest & _LAST and not rest & _FIRST:
        meant = of_kind[-1].name if of_kind else None
    elif rest & _FIRST or (rest & _LAST and len(rest) > 1):
        meant = of_kind[0].name if len(of_kind) > 1 else None
    else:
        meant = of_kind[0].name if len(of_kind) == 1 and not rest else None
    return meant if any(k.name == meant for k in free) else None


def _in_its_role(name: str, free: Free, known: Free, names: Sequence[str]) -> str | None:
    """`inputs` for x, `labels` for y."""
    inputs = [k for k in known if k.role == "input"]
    for words in (_EXAMPLES, _TARGETS):
        if canonical(name) not in words:
            continue
        plain = [k.name for k in inputs if canonical(k.name) in words]
        if not plain and len(inputs) == 2:
            plain = [inputs[0 if words is _EXAMPLES else 1].name]
        meant = _only(plain)
        return meant if any(k.name == meant for k in free) else None
    return None


def _kind(known: Known) -> str:
    words = _words(known.name)
    if words & _WEIGHTS or known.name[:1] in ("W", "w"):
        return "w"
    return "b" if words & _BIASES or known.name[:1] == "b" else ""


def _words(name: str) -> set[str]:
    """hiddenWeights1 → {hidden, weights, 1}; of two or three letters, as `wo`, each alone."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    words = {p.lower() for p in parts}
    words = {_NUMBERS.get(w, w) for w in words}
    letters = canonical(name)
    if 2 <= len(letters) <= 3 and letters[0] in "wb" and letters.isalpha():
        words = {letters[0], letters[1:]}
    return words


def _stem(name: str) -> tuple[str, str]:
    match = re.match(r"^(.*?)_?(\d*)$", name)
    assert match is not None
    return match.group(1), match.group(2)


def _only(names: Iterable[str]) -> str | None:
    found = list(dict.fromkeys(names))
    return found[0] if len(found) == 1 else None


_READERS = (_numbered_from_zero, _spelled, _without_layer, _said, _in_its_role, _initial)


def weights_and_biases(known: Sequence[Known]) -> Mapping[str, list[str]]:
    """The parameters in order: all; without biases; those of rank 0 and 1 or named as biases."""
    parameters = [k for k in known if k.role == "parameter"]
    biases = [k.name for k in parameters if k.rank <= 1 or _kind(k) == "b"]
    return {
        "all": [k.name for k in parameters],
        "weights": [k.name for k in parameters if k.name not in biases],
        "biases": biases,
    }


def group_meant(name: str) -> str | None:
    """`params` are all parameters; `weights` and `biases` a list of each."""
    word = re.sub(r"^self", "", canonical(name))
    if word in ("params", "parameters", "p", "model", "net", "network", "theta", "variables"):
        return "all"
    if word in ("weights", "ws", "w", "kernels", "thetas", "weightlist"):
        return "weights"
    if word in ("biases", "bs", "b", "bias", "biaslist"):
        return "biases"
    return None
