"""The whole way of a spec, as a table of contents.

| stage | in | out | room |
|---|---|---|---|
| parse | text | Spec | `spec/` |
| build | Spec | System of equations | `equations/`, out of the vocabulary in `layers/` |
| differentiate | System | Derivation: the adjoint equations, with their steps | `derivation/` |
| prove | Derivation | the same, as what users are handed; Unproved if a step fails | `proof/` |
| report | Derivation | text, LaTeX, Markdown, JSON, documents | `report/` |
| work | Derivation, values | Worked: the numbers of every equation | `report/worked/` |
| lower | Derivation | Program: array operations on named buffers | `program/` |
| emit | Program | Python source | `emit/` and `templates/` |
| check | Derivation, module | Report: what was proved | `checking/` |
| inspect | Derivation, values | Inspection: norms and spectra with the depth | `inspecting/` |
| train | Spec, module | parameters, curves | `training/` |
| audit | Derivation, a stranger's file | Audit: what agrees, and the faults | `auditing/` |

Each stage is a pure function from one frozen value to the next, and imports no later one. All are
imported when they are called: a fault in a spec's text is found without importing SymPy.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from symbackprop.errors import CallError, refuse_unknown
from symbackprop.examining import audit as audit
from symbackprop.examining import inspect as inspect
from symbackprop.examining import numbers as numbers
from symbackprop.examining import require_numbers_of, require_spec
from symbackprop.notation import USUAL, Notation

if TYPE_CHECKING:
    from symbackprop.checking import Report
    from symbackprop.derivation.model import Derivation
    from symbackprop.notebook import ProvedDerivation
    from symbackprop.program.model import Program
    from symbackprop.report.worked import Worked
    from symbackprop.spec.syntax import Spec
    from symbackprop.training import Outcome

DTYPES = ("float32", "float64")
TARGETS = ("numpy", "native")
MEMORY = ("high", "low")


def load(spec: str | Path) -> Spec:
    """The spec in a file, or the one of that name in the gallery. Raises SpecError."""
    from symbackprop.spec import load

    return load(spec)


def parse(text: str) -> Spec:
    """The spec that the text is. Raises SpecError."""
    from symbackprop.spec import parse

    return parse(text)


def derive(spec: Spec, wrt: str | Iterable[str] | None = None) -> ProvedDerivation:
    """Equations, and the equations of the gradients by `wrt`, or by what the spec says.

    Raises SpecError where extents disagree, CallError for what is no spec, no parameter or input,
    Unproved where an equality of the derivation does not hold: there is then nothing to show.
    """
    from symbackprop.derivation import differentiate, variables
    from symbackprop.equations.build import build
    from symbackprop.notebook import proved

    require_spec(spec)
    system = build(spec)
    if wrt is None:
        return proved(differentiate(system))
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
    if not names:
        raise CallError("wrt names nothing", "name a parameter or an input, or leave it out")
    for name in names:
        refuse_unknown(name, variables(system), "parameter or real input")
    return proved(differentiate(system, names))


def source(
    derivation: Derivation, dtype: str = "float32", target: str = "numpy", memory: str = "high"
) -> tuple[str, str]:
    """The text of the generated module, and of the test beside it. Raises CallError, Unproved."""
    from symbackprop.emit import emit_module, emit_test

    program = _lowered(derivation, dtype, target, memory)
    return emit_module(program, dtype, target), emit_test(program)


def compile(
    derivation: Derivation, dtype: str = "float32", target: str = "numpy", memory: str = "high"
) -> ModuleType:
    """The generated module, imported from memory; tracebacks and `inspect` find its lines.

    That of the target native compiles its loops when they are first needed, once a machine. With
    low memory it computes cheap values again on the way back. Raises CallError, Unproved.
    """
    return _imported(_lowered(derivation, dtype, target, memory), dtype, target)


def _lowered(
    derivation: Derivation, dtype: str, target: str = "numpy", memory: str = "high"
) -> Program:
    from symbackprop.notebook import proved
    from symbackprop.program import lower

    refuse_unknown(dtype, DTYPES, "dtype")
    refuse_unknown(target, TARGETS, "target")
    refuse_unknown(memory, MEMORY, "memory")
    return lower(proved(derivation), recompute=memory == "low")


def _imported(program: Program, dtype: str, target: str = "numpy") -> ModuleType:
    from symbackprop.emit import emit_module, emit_native
    from symbackprop.importing import from_text

    name = program.derivation.system.name
    text = emit_module(program, dtype, target)
    module = from_text(name, f"<symbackprop {name} {dtype} {target}>", text)
    if target == "native":
        module._SOURCE = emit_native(program)  # type: ignore[attr-defined]
    return module


def generate(
    derivation: Derivation,
    directory: str | Path = "generated",
    dtype: str = "float32",
    target: str = "numpy",
    memory: str = "high",
) -> tuple[Path, ...]:
    """Write `NAME.py` and `test_NAME.py`, for the target native also `NAME.c`; return their paths.

    Raises CallError, OSError, Unproved; then nothing is written.
    """
    from symbackprop.emit import emit_module, emit_native, emit_test
    from symbackprop.files import write_all

    program = _lowered(derivation, dtype, target, memory)
    name, folder = program.derivation.system.name, Path(directory)
    texts = {
        f"{name}.py": emit_module(program, dtype, target),
        f"test_{name}.py": emit_test(program),
    }
    if target == "native":
        texts[f"{name}.c"] = emit_native(program)
    return write_all({folder / file: text for file, text in texts.items()})


def build(
    derivation: Derivation,
    directory: str | Path = "generated",
    dtype: str = "float32",
    portable: bool = False,
    memory: str = "high",
) -> tuple[Path, ...]:
    """Generate for the target native, and compile beside it what first use would compile.

    `portable` leaves out what only processors like this one can do. Raises CallError without a
    compiler or where it fails, OSError, Unproved.
    """
    from symbackprop.importing import from_file

    paths = generate(derivation, directory, dtype, "native", memory)
    module = from_file(paths[0])
    try:
        return *paths, module._build(dtype, Path(directory), portable)
    except OSError as fault:
        raise CallError(str(fault), "generate --target numpy needs no compiler") from None


def render(
    derivation: Derivation,
    path: str | Path,
    notation: Notation = USUAL,
    numbers: Worked | None = None,
    fragment: bool = False,
) -> Path:
    """Write the derivation as a document, its format by the path's ending; with worked numbers.

    A `fragment` is LaTeX without a preamble, to be taken into a paper.
    Raises CallError for an ending that there is no format for, for .pdf without a TeX and for .html
    without QuickJS; OSError, and Unproved.
    """
    from symbackprop import report
    from symbackprop.files import write_whole
    from symbackprop.notebook import proved

    document = getattr(report, (FRAGMENTS if fragment else ENDINGS)[ending(path, fragment)])
    derivation = proved(derivation)
    if numbers is not None:
        require_numbers_of(derivation, numbers)
    beside = (source(derivation)[0],) if document is report.document_html else ()
    return write_whole(Path(path), document(derivation, notation, numbers, *beside))


def ending(path: str | Path, fragment: bool = False) -> str:
    """The path's ending. Raises CallError unless it is one that `render` writes."""
    from symbackprop.files import ending_of

    suffix = ending_of(path, ENDINGS, "render", "format")
    if fragment and suffix not in FRAGMENTS:
        raise CallError(
            f"cannot render '{path}': a fragment is LaTeX",
            f"end the file's name in {' or '.join(FRAGMENTS)}, or leave out --fragment",
        )
    return suffix


# What `render` writes: ending -> the function of `report` that writes it.
ENDINGS = {
    ".html": "document_html",
    ".md": "document_markdown",
    ".tex": "document_tex",
    ".pdf": "document_pdf",
}
FRAGMENTS = {".tex": "fragment_tex"}


def show(
    derivation: Derivation,
    format: str = "text",
    detail: str = "result",
    notation: Notation = USUAL,
) -> str:
    """The derivation as text, LaTeX, Markdown or JSON. Raises CallError, Unproved."""
    from symbackprop import report
    from symbackprop.notebook import proved

    refuse_unknown(format, FORMATS, "format")
    refuse_unknown(detail, DETAILS, "detail")
    printed: str = getattr(report, format)(proved(derivation), detail, notation)
    return printed


# What `derive` prints: each is the function of that name in `report`.
FORMATS = ("text", "latex", "markdown", "json")
DETAILS = ("result", "steps")


def check(derivation: Derivation, spec: Spec | None = None) -> Report:
    """Hold steps, gradients and the generated module against independent computations.

    With its spec, every entry of every step is also checked on a tiny instance of the network.
    """
    from symbackprop.checking import check
    from symbackprop.program import lower

    tiny = _tiny(spec) if spec else None
    return check(derivation, _imported(lower(derivation), "float64"), tiny)


def _tiny(spec: Spec) -> Derivation | None:
    """The derivation at small extents, where the network allows them."""
    from symbackprop.checking import shrinks
    from symbackprop.derivation import differentiate
    from symbackprop.equations.build import build
    from symbackprop.spec.errors import SpecError

    for small in shrinks(spec):
        try:
            return differentiate(build(small))
        except SpecError:
            continue
    return None


def train(
    spec: Spec,
    directory: str | Path | None = None,
    dtype: str = "float32",
    target: str = "numpy",
    memory: str = "high",
    **options: Any,
) -> Outcome:
    """Train the generated module by the spec's plan; files go to `directory`, else `runs/NAME`.

    `options` are those of `symbackprop.training.train`, which says what is raised.
    """
    from symbackprop.program.memory import parameter_bytes, workspace_bytes
    from symbackprop.training import Memory, read_plan, train

    plan = options.pop("plan", None) or read_plan(spec)
    program = _lowered(derive(spec), dtype, target, memory)
    real = 4 if dtype == "float32" else 8
    needed = Memory(parameter_bytes(program, real), partial(workspace_bytes, program, real))
    folder = Path(directory or Path("runs") / spec.name)
    module = _imported(program, dtype, target)
    return train(spec, module, folder, plan, memory=needed, **options)
