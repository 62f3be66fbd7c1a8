"""The picture of a network: nothing overlaps, and lines lead from what is read to what reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.derivation import differentiate
from symbackprop.equations.build import build
from symbackprop.equations.nodes import tensors
from symbackprop.notation import Notation
from symbackprop.report.cells import HEIGHT, Node
from symbackprop.report.graph import Graph, graph, path
from symbackprop.report.layering import layout
from symbackprop.report.repetition import repeats
from symbackprop.report.tikz import tikz
from symbackprop.report.view import view
from symbackprop.spec import parse
from tests.report.specs import SPECS, derived


def drawn(name: str) -> Graph:
    return graph(view(derived(name)))


def ends(node: Node) -> tuple[float, float]:
    return node.x - node.width / 2, node.x + node.width / 2


@pytest.mark.parametrize("name", SPECS)
def test_nothing_overlaps_or_stands_outside(name: str) -> None:
    picture = drawn(name)
    for node in picture.nodes:
        left, right = ends(node)
        assert left >= -0.01 and right <= picture.width + 0.01
        assert node.head >= -0.01 and node.foot <= picture.height + 0.01
    for a, b in itertools.combinations(picture.nodes, 2):
        if a.layer == b.layer:
            assert ends(a)[1] < ends(b)[0] or ends(b)[1] < ends(a)[0]
        else:
            assert a.foot < b.head or b.foot < a.head


@pytest.mark.parametrize("name", SPECS)
def test_every_read_is_a_line(name: str) -> None:
    picture = drawn(name)
    read = {
        (tensor, line.equation.tensor)
        for line in derived(name).forward
        for tensor in tensors(line.equation.rhs)
    }
    lines = {
        (source.tensor, target.tensor)
        for edge in picture.edges
        for source in picture.nodes[edge.source].cells
        for target in picture.nodes[edge.target].cells
    }
    assert lines == read
    assert len({(e.source, e.target) for e in picture.edges}) == len(picture.edges)


def test_what_many_read_stands_beside_each_of_them() -> None:
    network = "\n".join(f"  h{k + 1} = tanh(h{k} * w)" for k in range(7))
    text = (
        "name: net\ninputs: {h0: [N, 3]}\nparams: {w: {shape: [3], init: ones}}\n"
        f"network: |\n{network}\nloss: mean(h7)\n"
    )
    picture = graph(view(differentiate(build(parse(text)))))
    beside = [n for n, node in enumerate(picture.nodes) if node.kind == "parameter"]
    assert len(beside) == 7
    for n in beside:
        (edge,) = [e for e in picture.edges if e.source == n]
        assert picture.nodes[edge.target].layer == picture.nodes[n].layer + 1


@pytest.mark.parametrize("name", SPECS)
def test_lines_go_from_the_foot_of_a_node_to_the_head_of_another(name: str) -> None:
    picture = drawn(name)
    for edge in picture.edges:
        source, target = picture.nodes[edge.source], picture.nodes[edge.target]
        (x0, y0), (x1, y1) = edge.points[0], edge.points[-1]
        assert y0 == pytest.approx(source.foot, abs=0.01)
        assert y1 == pytest.approx(target.head, abs=0.01)
        assert ends(source)[0] < x0 < ends(source)[1]
        assert ends(target)[0] < x1 < ends(target)[1]
        assert edge.recurs == (source.layer >= target.layer)
        assert path(edge).startswith(f"M{x0} {y0} ")


@pytest.mark.parametrize("name", SPECS)
def test_tips_meet_a_head_apart(name: str) -> None:
    picture = drawn(name)
    for n, node in enumerate(picture.nodes):
        onward = [e for e in picture.edges if e.target == n and not e.recurs]
        ends_at = sorted(e.points[-1][0] for e in onward)
        room = min(0.9, (node.width - 2) / max(1, len(onward) - 1))
        assert all(b - a > room - 0.01 for a, b in itertools.pairwise(ends_at))


def test_a_box_is_as_tall_as_its_fraction_needs() -> None:
    text = (
        "name: net\ninputs: {x: [N, 3], y: [N, 3]}\nnetwork: h = x * y\nloss: mse(h, y)\nwrt: [x]\n"
    )
    derivation = differentiate(build(parse(text)))
    plain, told = (
        graph(view(derivation, Notation(gradients=g))) for g in ("cotangents", "denominators")
    )
    x, *_, loss = plain.nodes
    assert x.height == HEIGHT < loss.height
    assert loss.above and not loss.below  # a fraction in the formula, none below it
    x = told.nodes[0]
    assert x.below and not x.above  # where the gradient is written as a fraction


def test_a_recurrence_goes_back() -> None:
    back = [e for e in drawn("lstm").edges if e.recurs]
    assert len(back) == 5  # the state to four gates, the cell to itself
    assert sum(e.source == e.target for e in back) == 1


def test_cells_have_their_numbers() -> None:
    shown = view(derived("mlp"))
    cells = {c.tensor.name: c for node in graph(shown).nodes for c in node.cells}
    (sign,) = cells["W1"].signs
    assert sign.gradient and cells["W1"].number == 0
    gradient = next(s for s in shown.gradients() if s.gradient == "W1")
    assert [line.number for line in sign.lines] == [gradient.number]
    assert cells["z1"].number == 1 and not any(s.gradient for s in cells["z1"].signs)


def test_copies_are_one_node() -> None:
    network = "\n".join(f"  h{k + 1} = tanh(h{k} @ W{k})" for k in range(40))
    declared = ", ".join(f"W{k}: {{shape: [5, 5], init: zeros}}" for k in range(40))
    text = (
        f"name: deep\ninputs: {{h0: [N, 5]}}\nparams: {{{declared}}}\n"
        f"network: |\n{network}\nloss: mean(h40)\n"
    )
    derivation = differentiate(build(parse(text)))
    found = repeats(derivation.forward)
    picture = graph(view(derivation), found)
    (node,) = [n for n in picture.nodes if n.kind == "copies"]
    assert node.count == len(found[0].renamed) > 30
    assert len(picture.nodes) < 12


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[float], list[tuple[int, int]], list[int]]:
    count = draw(st.integers(1, 14))
    edges = draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30)
    )
    widths = draw(st.lists(st.floats(1, 20), min_size=count, max_size=count))
    forward = [(a, b) for a, b in edges if a < b]
    fed = {b for _, b in forward}
    late = [v for v in range(count) if v not in fed and any(a == v for a, _ in forward)]
    return widths, forward, late


@given(networks())
def test_any_network_is_laid_out(
    network: tuple[list[float], list[tuple[int, int]], list[int]],
) -> None:
    widths, edges, late = network
    found = layout(widths, edges, late, gap=1.0)
    assert found == layout(widths, edges, late, gap=1.0)
    for a, b in edges:
        assert found.rows[a] < found.rows[b]
        assert len(found.bends[a, b]) == found.rows[b] - found.rows[a] - 1
    for a, b in itertools.combinations(range(len(widths)), 2):
        if found.rows[a] == found.rows[b]:
            room = (widths[a] + widths[b]) / 2 + 1.0
            assert abs(found.places[a] - found.places[b]) >= room - 0.01
    assert min(x - w / 2 for x, w in zip(found.places, widths, strict=True)) >= -0.01


def test_a_tall_picture_fits_below_a_title() -> None:
    network = "\n".join(f"  h{k + 1} = tanh(h{k} * h{k // 2})" for k in range(17))
    text = f"name: tall\ninputs: {{h0: [N]}}\nnetwork: |\n{network}\nloss: mean(h17)\nwrt: [h0]\n"
    shown = view(differentiate(build(parse(text))))
    picture = graph(shown)
    drawing = tikz(picture, shown)
    assert drawing is not None and picture.height > 100
    assert float(drawing.scale) * picture.height == pytest.approx(50, abs=0.1)
