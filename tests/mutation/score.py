"""The mutation score: how many damaged derivations and modules the checks refuse.

    python -m tests.mutation.score [SPEC...] [--most N] [--seed S] [--processes P]

Every spec of the gallery, or those named, on the tiny instance on which `symbackprop check` proves
its steps. Of each, N single mistakes in derivations, N edits of the module, and fewer wrong steps
and wrong chain rules. Printed: a table by spec and one by kind, and what was not refused, before
and after; of that, what has the same values as what it was made of does not count as a mutant.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop import pipeline
from symbackprop.derivation.model import Derivation
from tests.mutation import derivations, equivalence, modules, refusal
from tests.mutation.mutant import Mutant, sample


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `refused` says why, `equal` in what sense it is none."""

    spec: str
    kind: str
    where: str
    words: str
    before: str
    after: str
    refused: str
    equal: str

    @property
    def survived(self) -> bool:
        return not self.refused and not self.equal


def verdicts(name: str, most: int, seed: int = 0) -> Iterator[Verdict]:
    """The verdicts on a sample of the mutants of a spec, and of what it is outside training."""
    tiny = pipeline._tiny(pipeline.load(name))
    assert tiny is not None
    yield from of_derivation(name, tiny, most, seed)
    if tiny.in_use is not None:
        yield from of_derivation(f"{name} in use", tiny.in_use, most // 4, seed)
    yield from of_module(name, tiny, most, seed)


def of_derivation(name: str, derivation: Derivation, most: int, seed: int) -> Iterator[Verdict]:
    """Single mistakes, a third as many wrong steps, and a tenth as many wrong chain rules."""
    chains = [
        *derivations.forgotten_consumers(derivation),
        *derivations.throughout(derivation),
    ]
    with refusal.remembering():
        for mutant in (
            *sample(derivations.single(derivation), most, seed),
            *derivations.wrong_steps(derivation, most // 3, seed),
            *sample(chains, most // 10, seed),
        ):
            wrong = mutant.make()
            refused = refusal.of_steps(wrong, mutant.line.number) or refusal.of_gradients(wrong)
            equal = "" if refused else equivalence.of_line(derivation, mutant)
            if not refused and not equal:
                refused = refusal.of_steps(wrong) or refusal.of_exact_gradients(wrong)
            yield _verdict(name, mutant, refused, equal)


def of_module(name: str, derivation: Derivation, most: int, seed: int) -> Iterator[Verdict]:
    """Edits of the module that the derivation gives."""
    source, _ = pipeline.source(derivation, "float64")
    check = refusal.Modules(derivation, source)
    for mutant in sample(modules.edits(source, check.shapes()), most, seed):
        wrong = mutant.make()
        refused = check.refused(wrong)
        equal = "" if refused else equivalence.of_module(derivation, source, wrong)
        yield _verdict(name, mutant, refused, equal)


def _verdict(name: str, mutant: Mutant, refused: str, equal: str) -> Verdict:
    kind, where, words = mutant.kind, mutant.where(), mutant.words
    return Verdict(name, kind, where, words, mutant.before(), mutant.after(), refused, equal)


def table(title: str, groups: Iterable[tuple[str, Sequence[Verdict]]]) -> str:
    """One line for each group: mutants, refused, survivors, the score; and those that are none."""
    head = (title, "mutants", "refused", "survivors", "score", "no mutants")
    lines: list[tuple[str, ...]] = [head]
    for name, found in groups:
        real = [v for v in found if not v.equal]
        refused = sum(bool(v.refused) for v in real)
        score = f"{100 * refused / len(real):.1f}%" if real else "-"
        counts = (len(real), refused, len(real) - refused, score, len(found) - len(real))
        lines.append((name, *map(str, counts)))
    widths = [max(len(line[c]) for line in lines) for c in range(len(head))]
    return "\n".join(
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(x.rjust(w) for x, w in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    )


def report(found: Sequence[Verdict]) -> str:
    """The tables, and every mutant that was not refused."""
    specs = dict.fromkeys(v.spec for v in found)
    kinds = Counter(v.kind for v in found)
    by_spec = [(s, [v for v in found if v.spec == s]) for s in specs]
    by_kind = [(k, [v for v in found if v.kind == k]) for k in sorted(kinds)]
    left = [v for v in found if not v.refused]
    shown = [
        f"{'SURVIVED' if v.survived else 'NO MUTANT, ' + v.equal}: {v.spec}, {v.where}: {v.kind}: "
        f"{v.words}\n    before: {v.before}\n    after:  {v.after}"
        for v in sorted(left, key=lambda v: not v.survived)
    ]
    parts = [table("spec", [*by_spec, ("all", found)]), table("kind", by_kind), *shown]
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; 1 where a mutant survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", metavar="SPEC")
    parser.add_argument("--most", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--processes", type=int, default=1, metavar="P")
    options = parser.parse_args(arguments)
    names = options.specs or gallery()
    tasks = [(name, options.most, options.seed) for name in names]
    found: list[Verdict] = []
    with multiprocessing.Pool(options.processes) as pool:
        started = time.perf_counter()
        for name, verdicts_ in zip(names, pool.imap(_all, tasks), strict=True):
            found += verdicts_
            survivors = sum(v.survived for v in verdicts_)
            taken = time.perf_counter() - started
            print(
                f"{name}: {len(verdicts_)}, {survivors} survived ({taken:.0f} s)", file=sys.stderr
            )
    print(report(found))
    return int(any(v.survived for v in found))


def _all(task: tuple[str, int, int]) -> list[Verdict]:
    return list(verdicts(*task))


def gallery() -> list[str]:
    """The names of all shipped specs."""
    folder = Path(pipeline.__file__).parent / "gallery"
    return sorted(path.stem for path in folder.glob("*.yaml"))


if __name__ == "__main__":
    sys.exit(main())
