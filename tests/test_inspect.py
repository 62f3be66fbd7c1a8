"""Inspections: norms of cotangents and spectra of Jacobians, against independent computations."""

from __future__ import annotations

import itertools
import re
import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import symbackprop as sb
from symbackprop import examining
from symbackprop.checking.exact import rate
from symbackprop.cli import main
from symbackprop.equations.evaluate import Known, Traced, evaluate_system
from symbackprop.inspecting.chain import between, chain
from symbackprop.inspecting.jacobian import Jacobian, Jacobians
from symbackprop.inspecting.model import Inspection, Layer, Steps, Way
from symbackprop.inspecting.spectrum import extremes


def deep(layers: int, activation: str, init: str, units: int = 6) -> str:
    """A network of equal layers."""
    shape = f"{{shape: [{units}, {units}], init: {init}}}"
    params = "\n".join(f"  V{k}: {shape}" for k in range(1, layers + 1))
    network = "\n".join(
        f"  h{k} = {activation}({'x' if k == 1 else f'h{k - 1}'} @ V{k})"
        for k in range(1, layers + 1)
    )
    return (
        f"name: deep\ninputs:\n  x: [N, {units}]\n  y: [N, {units}]\nparams:\n{params}\n"
        f"network: |\n{network}\nloss: half_sse(h{layers}, y)\n"
    )


def inspected(text: str, **options) -> Inspection:
    return sb.inspect(sb.parse(text), **options)


def compiled(derivation):
    return sb.compile(derivation, "float64")


# --- what vanishes, what explodes ------------------------------------------------------------


def test_a_deep_network_of_sigmoids_vanishes() -> None:
    (way,) = inspected(deep(8, "sigmoid", "glorot_normal")).ways
    norms = dict(way.chain)
    assert list(norms) == [f"h{k}" for k in range(1, 9)]
    assert norms["h1"] * 1000 < norms["h8"]
    assert all(layer.largest < 1 and layer.exact for layer in way.layers)
    (finding,) = (f for f in way.findings if "vanishes" in f)
    assert finding.startswith("the gradient vanishes: from h8 down to h1 the cotangent shrinks ")
    assert not any("grows" in f for f in way.findings)


def test_large_weights_explode_and_the_layer_is_named() -> None:
    (way,) = inspected(deep(5, "relu", "normal(8)")).ways
    assert any("the gradient explodes: from h5 down to h1" in f for f in way.findings)
    assert any(f.startswith("from h3 down to h2 the cotangent grows ") for f in way.findings)
    assert not any("shrinks" in f for f in way.findings)
    assert all(layer.largest > 10 for layer in way.layers)


def test_orthogonal_maps_keep_every_norm() -> None:
    turn = "[[0.6, 0.8], [-0.8, 0.6]]"
    (way,) = inspected(deep(6, "", turn, units=2)).ways
    assert all(layer.largest == pytest.approx(1) for layer in way.layers)
    assert all(layer.smallest == pytest.approx(1) for layer in way.layers)
    norms = [norm for _, norm in way.chain]
    assert norms == pytest.approx([norms[0]] * len(norms))
    assert way.findings == ()


def test_norms_along_the_steps_of_a_recurrence() -> None:
    text = "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, 3]\nnetwork: |\n  h = rnn(x, 3{})\n"
    text += "  p = {}\nloss: mse(p, y)\n"
    (way,) = inspected(text.format("", "last(h)")).ways
    (steps,) = way.steps
    assert (steps.name, steps.index, steps.reverse) == ("h", "t", False)
    assert len(steps.norms) == 8
    (way,) = inspected(text.format(", reverse=True", "mean(h, axis=1)")).ways
    assert way.steps[0].reverse


def findings(*norms: float, steps: Steps | None = None) -> tuple[str, ...]:
    from symbackprop.inspecting.model import Depth

    depth = tuple(
        Depth(k, f"h{k}", "", 1.0, norm, {}, True) for k, norm in enumerate(norms, start=1)
    )
    return Way("loss", depth, (), (steps,) if steps else ()).findings


def test_findings_in_words() -> None:
    assert findings(1, 2, 3) == ()
    assert findings(1, 10) == ()
    assert findings(1, 11) == ("from h2 down to h1 the cotangent shrinks 11 times",)
    assert findings(0, 1) == (
        "the cotangent is 0 at h1: nothing comes back there",
        "from h2 down to h1 the cotangent shrinks to 0",
    )
    assert findings(100, 1, 1) == (
        "from h2 down to h1 the cotangent grows 100 times",
        "the gradient explodes: from h3 down to h1 the cotangent grows 100 times, "
        "more than 10 times from h1 on",
    )
    assert findings(1, 5, 25) == (
        "the gradient vanishes: from h3 down to h1 the cotangent shrinks 25 times, "
        "more than 10 times from h1 on",
    )
    assert findings(1, steps=Steps("h", "t", (0.01, 1.0), False)) == (
        "along t the cotangent of h shrinks 100 times from step 1 to step 0",
    )
    assert findings(1, steps=Steps("h", "t", (0.01, 1.0, 0.0), False)) == (
        "along t the cotangent of h shrinks 100 times from step 1 to step 0",
    )
    assert findings(1, steps=Steps("h", "t", (0.01, 1.0), True)) == (
        "along t the cotangent of h grows 100 times from step 0 to step 1",
    )
    assert findings(1, steps=Steps("h", "t", (0.0, 0.0), True)) == ()


def test_what_is_0_gets_no_all_clear() -> None:
    text = "name: t\ninputs:\n  x: [N]\n  y: [N]\nparams:\n  w: {shape: []}\n"
    text += "network: |\n  z = w * x\n  p = sigmoid(w * z)\nloss: mse(p, y)\n"
    found = inspected(text)  # w starts at 0
    assert found.ways[0].findings == (
        "the cotangent is 0 at z: nothing comes back there",
        "the gradient by w is 0",
        "the Jacobian of x → p is 0",
    )
    assert str(found).endswith(
        "the Jacobian of x → p is 0\n"
        "compared: nothing; fewer than two tensors lie on every way to the loss\n"
    )
    assert "no cotangent" not in str(found)
    assert inspected(text, params={"w": 1.5}).ways[0].findings == ()


def test_what_is_not_finite_gets_no_all_clear() -> None:
    (found,) = findings(float("inf"), float("nan"))
    assert found == "the derivative by h1, h2 is not finite"


def test_of_many_names_the_first_are_said() -> None:
    first = findings(*[0.0] * 11)[0]
    assert first == (
        "the cotangent is 0 at h1, h2, h3, h4, h5, h6, h7, h8, 3 more: nothing comes back there"
    )


def said(text: str) -> list[str]:
    """The lines below the tables."""
    return str(inspected(text)).rpartition("\n\n")[2].splitlines()


def test_what_was_compared_is_said() -> None:
    head = "name: t\ninputs:\n  x: [N, 4]\n  y: [N, 4]\nnetwork: |\n"
    lines = said(head + "  a = tanh(dense(x, 4))\n  b = a + dense(a, 4)\nloss: mse(b, y)\n")
    assert lines[:2] == [
        "of those compared, no cotangent changes by more than 10 times",
        "compared: a → b, which every way to the loss passes",
    ]
    recurrent = "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, 3]\nnetwork: |\n  h = lstm(x, 3)\n"
    lines = said(recurrent + "  p = last(h)\nloss: mse(p, y)\n")
    assert "compared from step to step: c1, h" in lines
    assert lines[-1].startswith("not compared: cotangents from ")
    assert lines[-1].endswith(")")


def test_of_a_long_chain_the_ends_are_said() -> None:
    assert said(deep(12, "", "[[0, 1], [1, 0]]", units=2)) == [
        "of those compared, no cotangent changes by more than 10 times",
        "compared: h1 → h2 → h3 → h4 → … → h10 → h11 → h12, which every way to the loss passes",
    ]


def test_an_inspection_in_chinese(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep.yaml").write_text(deep(5, "relu", "normal(8)"))
    assert main(["inspect", "deep.yaml", "--lang", "zh"]) == 0
    out = capsys.readouterr().out
    assert "随机抽取的输入，种子 0，N = 8；参数的初始值，种子 0\n" in out
    assert "\n梯度爆炸：从 h5 往下到 h1，伴随量增大到 " in out
    names = {"deep", "ReLU", "relu", "Jacobian"} | {f"{n}{k}" for n in "hV" for k in range(6)}
    words = set(re.findall("[A-Za-z]+[0-9]*", out)) - names - {"N", "x", "z", "e"}
    assert not words
    assert main(["inspect", "deep.yaml", "--lang", "fr"]) == 2
    assert "argument --lang: 'fr' is none of en, zh" in capsys.readouterr().err


# --- against exact Jacobians -----------------------------------------------------------------

SMALL = """\
name: small
inputs:
  x: [N, 3]
  y: [N, 2]
network: |
  h = tanh(dense(x, 4))
  g = sigmoid(dense(h, 2) * h[:, :2])
loss: mse(g, y)
"""


def exact_jacobian(derivation, given, extents, below: str, above: str) -> mpmath.matrix:
    """Each entry by SymPy's scalar derivative of the traced value, at 50 digits."""
    known = [Known(value) for value in given[below].ravel().tolist()]
    traced = np.empty(len(known), dtype=object)
    traced[:] = [Traced(symbol.value, symbol) for symbol in known]
    values = {**given, below: traced.reshape(given[below].shape)}
    equations = [line.equation for line in derivation.forward]
    names = [e.tensor.name for e in equations]
    start = names.index(below) + 1 if below in names else 0
    found = evaluate_system(equations[start : names.index(above) + 1], values, extents)[above]
    return mpmath.matrix([[rate(entry, by) for by in known] for entry in found.ravel().tolist()])


@pytest.mark.parametrize(("below", "above"), [("x", "h"), ("h", "g"), ("x", "g")])
def test_bounds_against_the_reference_evaluator(below: str, above: str) -> None:
    text = SMALL.replace("dense(h, 2) * h[:, :2]", "dense(h, 2)")
    derivation = sb.derive(sb.parse(text))
    chance = np.random.default_rng(3)
    shapes = {"x": (2, 3), "W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    given = {}
    for name, shape in shapes.items():
        entries = [Fraction(int(k), 97) for k in chance.integers(-90, 90, np.prod(shape))]
        given[name] = np.array(entries, dtype=object).reshape(shape)
    extents = {"N": 2}
    equations = [line.equation for line in derivation.forward if line.equation.label != "mse"]
    exact = evaluate_system(equations, given, extents)
    expected = exact_jacobian(derivation, exact, extents, below, above)
    singular = sorted((float(v) for v in mpmath.svd_r(expected, compute_uv=False)), reverse=True)

    values = {name: array.astype(float) for name, array in exact.items()}
    symbols = {e.tensor.name: e.tensor for e in equations} | {
        i.symbol.name: i.symbol for i in derivation.system.inputs
    }
    chosen = between(derivation, symbols[below], symbols[above])
    jacobian = Jacobians(values, extents, compiled).of(chosen, symbols[below], symbols[above])
    written = np.array(expected.tolist(), dtype=float)
    assert (jacobian.rows, jacobian.columns) == written.shape
    for small in (600, 0):  # written out, and by its products alone
        largest, smallest, is_exact = extremes(jacobian, small)
        assert largest == pytest.approx(singular[0], rel=1e-10)
        assert smallest == pytest.approx(singular[min(written.shape) - 1], rel=1e-9)
        assert is_exact == (small == 600)
    c, d = chance.standard_normal(jacobian.rows), chance.standard_normal(jacobian.columns)
    assert jacobian.times(d) == pytest.approx(written @ d)
    assert jacobian.transposed_times(c) == pytest.approx(written.T @ c)


def test_a_wrong_product_would_be_seen() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    wrong = Jacobian(2, 2, lambda d: matrix.T @ d, lambda c: matrix.T @ c)
    right = Jacobian(2, 2, lambda d: matrix @ d, lambda c: matrix.T @ c)
    expected = np.linalg.svd(matrix, compute_uv=False)
    assert extremes(right, 0)[:2] == pytest.approx((expected[0], expected[1]))
    assert extremes(wrong, 0)[:2] != pytest.approx((expected[0], expected[1]))


@pytest.mark.parametrize("shape", [(40, 40), (30, 50), (50, 30), (1, 9)])
@pytest.mark.parametrize("rank", [None, 7])
def test_bidiagonalisation_finds_the_ends_of_the_spectrum(shape, rank) -> None:
    chance = np.random.default_rng(1)
    matrix = chance.standard_normal(shape)
    if rank and rank < min(shape):
        matrix = chance.standard_normal((shape[0], rank)) @ chance.standard_normal((rank, shape[1]))
    singular = np.linalg.svd(matrix, compute_uv=False)
    found = extremes(Jacobian(*shape, lambda d: matrix @ d, lambda c: matrix.T @ c), 0)
    assert found[0] == pytest.approx(singular[0], rel=1e-10)
    assert found[1] == pytest.approx(singular[-1], rel=1e-7, abs=1e-10)


def test_few_steps_bound_the_spectrum_from_inside() -> None:
    matrix = np.diag(np.linspace(0.1, 2.0, 300))
    found = extremes(Jacobian(300, 300, lambda d: matrix @ d, lambda c: matrix @ c), 0, 20)
    assert 1.9 < found[0] <= 2.0 + 1e-12
    assert 0.1 - 1e-12 <= found[1] < 0.4


# --- the chain ---------------------------------------------------------------------------------


def links(text: str) -> list[str]:
    derivation = sb.derive(sb.parse(text))
    return [tensor.name for tensor in chain(derivation, derivation.losses[0])]


def test_the_chain_leaves_out_what_can_be_gone_around() -> None:
    head = "name: t\ninputs:\n  x: [N, 4]\n  y: [N, 4]\nnetwork: |\n"
    plain = head + "  a = tanh(dense(x, 4))\n  b = dense(a, 4)\nloss: mse(b, y)\n"
    assert links(plain) == ["x", "a", "b"]
    skipping = head + "  a = tanh(dense(x, 4))\n  b = a + dense(tanh(dense(a, 4)), 4)\n"
    assert links(skipping + "loss: mse(b, y)\n") == ["x", "a", "b"]
    from_below = head + "  a = tanh(dense(x, 4))\n  b = x + dense(a, 4)\nloss: mse(b, y)\n"
    assert links(from_below) == ["a", "b"]  # from x there is a way around
    denoising = head + "  a = tanh(dense(x, 4))\n  b = dense(a, 4)\nloss: mse(b, x)\n"
    assert links(denoising) == ["a", "b"]


def test_layers_alike_share_their_modules() -> None:
    made = []

    def counted(derivation):
        made.append(derivation)
        return compiled(derivation)

    from symbackprop.inspecting import inspect

    derivation = sb.derive(sb.parse(deep(6, "tanh", "glorot_normal")))
    module = compiled(derivation)
    chance = np.random.default_rng(0)
    given = module.init_params() | {name: chance.normal(size=(5, 6)) for name in ("x", "y")}
    found = inspect(derivation, given, {"N": 5}, (), counted)
    assert len(found.ways[0].layers) == 6
    assert len(made) == 2  # one for each side


# --- where the values are from --------------------------------------------------------------------


def test_the_origin_is_said() -> None:
    text = deep(2, "tanh", "glorot_normal", units=2)
    assert inspected(text).origin == (
        "inputs drawn, seed 0, N = 8; parameters as they start, seed 0"
    )
    rows = "[[1, 2], [3, 4], [5, 6]]"
    with_rows = f"{text}train:\n  data: {{x: {rows}, y: {rows}}}\n"
    assert inspected(with_rows, seed=3).origin == (
        "3 rows of the spec's data; parameters as they start, seed 3"
    )
    given = {"V1": np.ones((2, 2)), "V2": np.zeros((2, 2))}
    found = inspected(with_rows, params=given)
    assert found.origin == "3 rows of the spec's data; parameters as given"
    assert found.ways[0].layers[-1].largest == 0
    lost = inspected(f"{text}train:\n  data: nowhere.npz\n").origin
    assert lost.startswith("inputs drawn, seed 0, N = 8, since the spec's data cannot be had: ")


def test_what_a_network_draws_itself_is_drawn() -> None:
    text = "name: t\ninputs:\n  x: [N, 3]\n  y: {shape: [N], classes: 4}\nnetwork: |\n"
    text += "  h = dropout(relu(batch_norm(dense(x, 5))), 0.5)\n  p = softmax(dense(h, 4))\n"
    found = inspected(text + "loss: cross_entropy(p, y)\n")
    assert [name for name, _ in found.ways[0].chain][-1] == "z3"


def test_parameters_that_do_not_fit(tmp_path) -> None:
    text = deep(2, "tanh", "glorot_normal", units=2)
    with pytest.raises(sb.CallError) as fault:
        inspected(text, params={"V1": np.ones(3)})
    assert fault.value.message == "V1 is [2, 2], but its value is [3]"
    with pytest.raises(sb.CallError) as fault:
        inspected(text, params={"V3": np.ones(3)})
    assert fault.value.message == "no parameter is called 'V3'"
    path = tmp_path / "p.npz"
    np.savez(path, V1=np.eye(2), V2=np.eye(2))
    assert inspected(text, params=path).origin.endswith("; parameters as given")
    with pytest.raises(sb.CallError) as fault:
        inspected(text, params="nowhere.npz")
    assert fault.value.message == (
        "no parameters can be read at 'nowhere.npz': No such file or directory"
    )


def test_values_that_are_not_finite() -> None:
    text = "name: t\ninputs:\n  x: [N, 2]\nnetwork: |\n  h = log(dense(x, 3))\nloss: sum(h)\n"
    with pytest.raises(sb.CallError) as fault:
        inspected(text)
    assert fault.value.message == "h, equation (2), is not finite at these values"


@pytest.mark.parametrize(
    "loss", ["loss: sum(x**2)\n", "params:\n  w: {shape: []}\nloss: w**2 + 0 * sum(x)\n"]
)
def test_nothing_to_inspect(loss: str) -> None:
    with pytest.raises(sb.CallError) as fault:
        inspected(f"name: t\ninputs:\n  x: [N, 2]\n{loss}")
    assert fault.value.message == "on the way back of t there is nothing to inspect"


def test_a_cotangent_alone_is_drawn() -> None:
    text = "name: t\ninputs:\n  x: [N, 2]\nwrt: [x]\nnetwork: |\n  h = tanh(dense(x, 3))\n"
    assert inspected(text + "loss: sum(h)\n").picture(".png").startswith(b"\x89PNG")


# --- the command ---------------------------------------------------------------------------------


def test_the_command(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep.yaml").write_text(deep(3, "sigmoid", "normal(0.1)", units=2))
    assert main(["inspect", "deep.yaml", "-o", "deep.svg"]) == 0
    out = capsys.readouterr().out
    assert "from h3 down to h2 the cotangent shrinks" in out
    assert out.endswith("\ndeep.svg\n")
    first = (tmp_path / "deep.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert main(["inspect", "deep.yaml", "-o", "deep.svg"]) == 0
    assert (tmp_path / "deep.svg").read_bytes() == first
    assert main(["inspect", "deep.yaml", "-o", "deep.png"]) == 0
    assert (tmp_path / "deep.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_another_kind_is_refused_before_any_work(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "nowhere.yaml", "-o", "x.bmp"]) == 2
    assert capsys.readouterr().err == (
        "symbackprop: cannot draw 'x.bmp': no picture ends in '.bmp'\n"
        "  fix: end the file's name in .svg or .png\n"
    )


def test_without_matplotlib(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (tmp_path / "deep.yaml").write_text(deep(2, "sigmoid", "normal(0.1)", units=2))
    assert main(["inspect", "deep.yaml", "-o", "x.svg"]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        "symbackprop: a picture needs matplotlib, which is not installed\n"
        "  fix: pip install 'symbackprop[train]', or leave out -o for the table alone\n"
    )
    assert (captured.out, list(tmp_path.glob("x*"))) == ("", [])


def panels(text: str, monkeypatch, **options) -> list:
    """The panels of the picture, as matplotlib has laid them out."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    kept = []
    save = Figure.savefig

    def saved(figure, *positional, **named):
        save(figure, *positional, **named)
        kept.extend(figure.axes)

    monkeypatch.setattr(Figure, "savefig", saved)
    inspected(text, **options).picture(".png")
    return kept


def test_no_legend_lies_on_names_or_on_points(monkeypatch) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    text = deep(9, "tanh", "glorot_normal")
    for axes in panels(text.replace("h9", "outermost"), monkeypatch):
        draw = FigureCanvasAgg(axes.figure).get_renderer()
        legend = axes.get_legend().get_window_extent(draw)
        names = [t for t in axes.get_xticklabels() if t.get_text()]
        assert len(names) >= 9
        below = [t.get_window_extent(draw) for t in names]
        assert not any(legend.overlaps(box) for box in (*below, axes.get_window_extent(draw)))


def test_names_along_the_depth_are_apart(monkeypatch) -> None:
    axes = panels(deep(45, "", "[[0, 1], [1, 0]]", units=2), monkeypatch)[0]
    ticks = sorted(axes.get_xticks())
    assert {b - a for a, b in itertools.pairwise(ticks)} == {2}
    assert axes.get_xticklabels()[0].get_text() == "h45"  # from the top down


def test_small_changes_look_small_and_what_is_0_is_drawn_hollow(monkeypatch) -> None:
    text = deep(4, "", "[[0.6, 0.8], [-0.8, 0.6]]", units=2)
    for axes in panels(text, monkeypatch):
        low, high = axes.get_ylim()
        assert high / low > 99
    still = {f"V{k}": np.zeros((2, 2)) for k in range(1, 5)}
    first, second = panels(text, monkeypatch, params=still)
    hollow = [line for line in first.lines if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow] == [3]
    assert "0, or below the picture" in {line.get_label() for line in second.lines}
    assert "largest singular value" not in {line.get_label() for line in second.lines}


def test_a_picture_in_chinese_needs_a_font(monkeypatch) -> None:
    manager = pytest.importorskip("matplotlib.font_manager")
    monkeypatch.setattr(manager.fontManager, "ttflist", [])
    monkeypatch.setattr(manager, "findSystemFonts", list)
    found = inspected(deep(2, "tanh", "glorot_normal", units=2))
    with pytest.raises(sb.CallError) as fault:
        found.picture(".png", sb.Notation(language="zh"))
    assert str(fault.value) == (
        "a picture in Chinese needs a font with its letters, and there is none\n"
        "  fix: install one, as Noto Sans CJK, or draw the picture without --lang zh"
    )


def test_an_inspection_shows_itself() -> None:
    found = inspected(
        deep(2, "tanh", "glorot_normal").replace("name: deep", "name: deep\ntitle: <b>")
    )
    assert repr(found) == "<inspection of deep: loss>"
    assert "x → h1" in str(found)
    assert "<td>x → h1</td>" in found._repr_html_()
    assert isinstance(found.ways[0].layers[0], Layer)
    assert examining.inspect is not None
    assert all(a == b for a, b in itertools.pairwise([str(found), str(found)]))
