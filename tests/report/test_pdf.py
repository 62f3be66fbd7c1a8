"""Documents that TeX reads without a word, and PDFs that are the same whatever the time."""

from __future__ import annotations

import functools
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from symbackprop import pipeline
from symbackprop.cli import main
from symbackprop.errors import CallError
from symbackprop.notation import CHOICES, Notation
from symbackprop.report import document_tex, fragment_tex
from symbackprop.report.alignment import environment
from symbackprop.report.pdflatex import pdf
from tests.sampling import sampled

from .specs import SPECS, derived

GALLERY = sorted(p.stem for p in (Path(pipeline.__file__).parent / "gallery").glob("*.yaml"))
OTHERS = [
    Notation("delta", "denominators", "column", "brackets"),
    Notation("bars", "nabla", "column", "subscript"),
]
PAPER = r"""\documentclass[11pt,a4paper]{article}
\usepackage[margin=2.2cm]{geometry}\usepackage{amsmath}%s
\begin{document}\input{part}\end{document}
"""


@functools.cache
def of_gallery(name: str):
    return pipeline.derive(pipeline.load(name))


def log_of(folder: Path, tex: str) -> str:
    """What TeX says of a document at its second reading, fonts left out."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no pdflatex on this machine")
    (folder / "page.tex").write_text(tex, encoding="utf-8")
    for _ in range(2):
        run = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
            cwd=folder,
            capture_output=True,
        )
        assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    lines = (folder / "page.log").read_text(errors="replace").splitlines()
    words = ("Warning", "Overfull", "Underfull", "undefined", "same identifier")
    heard = [x for x in lines if any(w in x for w in words) and "Font" not in x]
    return "\n".join(heard)


@pytest.mark.latex
@pytest.mark.parametrize("name", sampled(GALLERY, 8))
def test_articles_of_the_gallery_compile_without_a_warning(name: str, tmp_path: Path) -> None:
    assert log_of(tmp_path, document_tex(of_gallery(name))) == ""


@pytest.mark.latex
@pytest.mark.parametrize("name", sampled(sorted(SPECS), 6))
def test_other_articles_compile_without_a_warning(name: str, tmp_path: Path) -> None:
    assert log_of(tmp_path, document_tex(derived(name))) == ""


@pytest.mark.latex
@pytest.mark.parametrize("notation", OTHERS, ids=["delta", "nabla"])
@pytest.mark.parametrize("name", sampled(["lstm", "heads", "odd", "gan", "images"], 2))
def test_other_notations_compile_without_a_warning(
    name: str, notation: Notation, tmp_path: Path
) -> None:
    assert log_of(tmp_path, document_tex(derived(name), notation)) == ""


@pytest.mark.latex
@pytest.mark.parametrize("name", sampled([*GALLERY, *sorted(SPECS)], 6))
def test_fragments_need_amsmath_alone(name: str, tmp_path: Path) -> None:
    part = fragment_tex(derived(name) if name in SPECS else of_gallery(name))
    assert r"\usepackage{amsmath}" in part and r"\documentclass" not in part
    (tmp_path / "part.tex").write_text(part, encoding="utf-8")
    declared = "".join(re.findall(r"^%   (.*)$", part, re.MULTILINE))
    assert log_of(tmp_path, PAPER % declared) == ""


@pytest.mark.latex
def test_a_warning_is_heard(tmp_path: Path) -> None:
    wide = r"\documentclass{article}\begin{document}\hbox to 9cm{\rule{10cm}{1pt}}\end{document}"
    assert "Overfull" in log_of(tmp_path, wide)


@pytest.mark.latex
def test_the_bytes_of_a_pdf_are_the_same_at_any_time_and_place(tmp_path, monkeypatch) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine")
    tex = document_tex(derived("mlp"))
    first = pdf(tex)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert pdf(tex) == first and first.startswith(b"%PDF")
    assert not list(tmp_path.iterdir())
    assert b"Date" not in first and str(tmp_path).encode() not in first


def fake_tex(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pdflatex that does something else."""
    program = folder / "bin" / "pdflatex"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return program


def test_without_a_tex_it_says_what_to_install(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("symbackprop.report.pdflatex.WHEEL", "no_such_wheel")
    monkeypatch.chdir(tmp_path)
    assert main(["render", "xor", "-o", "out/xor.pdf"]) == 2
    assert capsys.readouterr().err == (
        "symbackprop: there is no pdflatex to make a PDF with\n"
        "  fix: install a TeX that has pdflatex, or pip install 'symbackprop[pdf]', or write the "
        "derivation as .tex or .md\n"
    )
    assert not list(tmp_path.iterdir())


def test_an_error_of_tex_is_told_in_its_words(tmp_path, monkeypatch, capsys) -> None:
    script = "echo '! Undefined control sequence.' > page.log; exit 1"
    program = fake_tex(tmp_path, script, monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert main(["render", "xor", "-o", "xor.pdf"]) == 2
    assert capsys.readouterr().err == (
        f"symbackprop: {program} stopped at the document: Undefined control sequence.\n"
        "  fix: write the derivation as .tex, and typeset that yourself to see the place\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["bin"]


def test_a_package_that_is_not_there_is_named(tmp_path, monkeypatch) -> None:
    script = 'echo "! LaTeX Error: File \\`amsmath.sty\' not found." > page.log; exit 1'
    program = fake_tex(tmp_path, script, monkeypatch)
    with pytest.raises(CallError) as raised:
        pdf("text")
    assert str(raised.value) == (
        f"{program} has no amsmath.sty, which the document needs\n"
        "  fix: install the LaTeX package with it (Debian: texlive-latex-recommended), or write "
        "the derivation as .tex or .md"
    )


def test_a_tex_that_does_not_end_is_stopped(tmp_path, monkeypatch) -> None:
    program = fake_tex(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr("symbackprop.report.pdflatex._SECONDS", 0.2)
    with pytest.raises(CallError) as raised:
        pdf("text")
    assert raised.value.message == f"{program} was not done with the document in 0.2 seconds"


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys) -> None:
    fake_tex(tmp_path, "echo x > page.pdf", monkeypatch)
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["render", "xor", "-o", "file/xor.pdf"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") <= 2 and "file" in said and "Traceback" not in said


@pytest.mark.latex
def test_tex_may_not_run_programs(tmp_path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine")
    place = tmp_path / "written"
    told = rf"x\immediate\write18{{touch {place}}}"
    pdf(rf"\documentclass{{article}}\begin{{document}}{told}\end{{document}}")
    assert not place.exists()


def test_every_choice_of_notation_is_one_that_can_be_made() -> None:
    for field, choices in CHOICES.items():
        for choice in choices:
            assert getattr(Notation(**{field: choice}), field) == choice
    with pytest.raises(CallError) as raised:
        Notation(cotangents="hats")
    assert str(raised.value) == (
        "no notation of cotangents is called 'hats'\n  fix: there are bars, delta"
    )


def test_the_picture_floats_and_the_table_breaks_so_that_no_page_stays_empty() -> None:
    tex = document_tex(derived("lstm"))
    places = (
        r"\begin{figure}[!htbp]",
        r"\end{figure}",
        r"\section{Notation}",
        r"\begin{longtable}",
    )
    at = [tex.index(place) for place in places]
    assert at == sorted(at)
    table = tex[at[-1] : tex.index(r"\end{longtable}")]
    rows = [line for line in table.splitlines() if r"\texttt{" in line]
    whole = [line.endswith("*") for line in rows]  # no page breaks behind these
    assert len(rows) > 20 and r"\endhead" in table
    assert whole == [True] * 2 + [False] * (len(rows) - 6) + [True] * 3 + [False]


def test_a_short_table_is_whole_beside_the_picture_or_below_it() -> None:
    tex = document_tex(derived("mlp"))
    assert r"\begin{longtable}" not in tex
    table = tex[tex.index(r"\sbox{\listed}{\begin{tabular}") : tex.index(r"\end{tabular}}")]
    assert sum(r"\texttt{" in line for line in table.splitlines()) == 11
    figure = tex[tex.index(r"\begin{figure}") : tex.index(r"\end{figure}")]
    assert r"\ifbeside\hspace{1.9em}\usebox{\listed}\fi" in figure
    assert "\\ifbeside\\else\n\\begin{table}[!htb]\n\\centering\n\\usebox{\\listed}\n" in tex


def test_a_page_ends_in_the_middle_of_a_long_derivation_alone() -> None:
    def kept(rows: list[str]) -> list[bool]:
        return [line.endswith(r"\\*") for line in environment(rows, together=2).splitlines()[1:-2]]

    assert kept(["a"] * 5) == [True] * 4
    assert kept(["a"] * 6) == [True, True, False, True, True]
    assert kept(["a", r"\substack{b \\[0.3ex] c}", r"d \\ e", "f"]) == [True, False, True]
    assert environment(["a", "b"]) == "\\begin{align*}\na \\\\\nb\n\\end{align*}"
