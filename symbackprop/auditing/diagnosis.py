"""From gradients that are wrong, or that did not come, to findings with their corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbackprop.auditing import places
from symbackprop.auditing.calling import Came, Stranger, Trouble
from symbackprop.auditing.edits import kind_of
from symbackprop.auditing.explain import explain
from symbackprop.auditing.factors import RATE
from symbackprop.auditing.hypotheses import UPDATED
from symbackprop.auditing.judged import Judged, judged
from symbackprop.auditing.mending import Mender
from symbackprop.auditing.model import Correction, Finding
from symbackprop.auditing.numpy_line import numpy_line
from symbackprop.auditing.points import WATCHED, Array, Right
from symbackprop.auditing.search import Fault
from symbackprop.auditing.shapes import of_shape, spread
from symbackprop.auditing.target import Target
from symbackprop.auditing.world import World
from symbackprop.derivation.model import Derivation, LossDerivation

_FIXES = {
    "time": "end its loop; or give it more time: --timeout 60",
    "exit": "return the gradients in place of ending the program",
    "memory": "audit it with smaller arrays",
    "EOFError": "it has no standard input: let the function take what it asks for as an argument",
    "FileNotFoundError": "it runs in an empty folder: name the file with its whole path",
    "ModuleNotFoundError": "install it, or run the audit with the Python that has it",
}
_APART = 4  # gradients that are mended one by one
_SHAPES = ("shape", "broadcast", "mismatch", "dimension", "aligned", "axis", "axes", "size")


@dataclass(frozen=True)
class Diagnosis:
    """Everything that is known of one function's gradients."""

    aim: Target
    derivation: Derivation
    loss: LossDerivation
    names: Sequence[str]
    points: Sequence[Right]
    scale: Sequence[float]
    stranger: Stranger
    best: Judged

    def findings(self) -> tuple[list[Finding], bool]:
        """The faults, and whether all gradients agree with their corrections."""
        trouble = self.best.calls.trouble
        if trouble is not None:
            return self._troubled(trouble)
        made = self.of_own_shapes()
        if kept := self._kept_from_before():
            return [*made, kept], False
        wrong = [n for n in self.names if n not in self.best.right]
        world = self._world(wrong)
        given = [n for n in self.names if all(c.fits for c in self.best.found[n])]
        rates = [one.rate for one in self.best.calls.came]
        faults, rest = explain(world, {n: self.best.found[n] for n in given}, rates)
        shaped = [of_shape(self.best.found[n], n) for n in [*rest, *set(self.names) - set(given)]]
        findings = [self._finding(fault, world) for fault in faults]
        named = [n for f in shaped if f is not None for n in f.gradients]
        findings += [self._on_its_line(f) for f in shaped if f is not None]
        left = [n for n in wrong if n in rest and n not in named]
        if left:
            findings.append(self._unexplained(left))
        absent = [n for n in wrong if n not in given and n not in named]
        missing = [n for n in absent if any(c.came is None for c in self.best.found[n])]
        if missing:
            findings.append(self._missing(missing))
        if endless := [n for n in absent if n not in missing]:
            words = "an entry is NaN or infinite, where the derived one is finite"
            found = Finding("not finite", words, tuple(endless))
            findings.append(self._on_its_line(found))
        mended, verified = self._mended(findings, world)
        return [*made, *mended], verified

    def of_own_shapes(self) -> list[Finding]:
        """Parameters that the stranger makes with a shape that the spec's other ones do not fit."""
        if self.best.all_odd:
            return []
        found = []
        for name, (own, shape) in self.best.odd.items():
            right = list(self.points[0].values[name].shape)
            place = places.of_assignment(self.aim.tree, own)
            words = f"{own} is made with the shape {shape}, and {name} of the spec is {right}"
            fix = f"give {own} the shape {right}; the rest is judged with that"
            text = self.aim.line(place)
            found.append(Finding("shape error", words, (), place=place, text=text, fix=fix))
        return found

    def _kept_from_before(self) -> Finding | None:
        """The fault of a function that is right in a fresh module, and wrong after other calls."""
        layout = self.best.calls.layout
        fresh = self.stranger.run(layout, range(len(self.points)), fresh=True)
        one = judged(fresh, self.loss, self.names, self.points, self.scale)
        if fresh.trouble or len(one.right) < len(self.names):
            return None
        wrong = tuple(n for n in self.names if n not in self.best.right)
        place = places.of_gradient(self.aim, wrong[0])
        words = "each call is right in a fresh module, and not after others: it keeps their values"
        text = self.aim.line(place)
        line = self.loss.gradients[wrong[0]]
        return Finding("stale values", words, wrong, line, place=place, text=text)

    def _world(self, wrong: Sequence[str]) -> World:
        came = self.best.calls.came
        extra: list[dict[str, Array]] = []
        for point, one in zip(self.points, came, strict=True):
            known = {} if one.rate is None else {RATE: np.array(one.rate)}
            extra.append(
                known
                | {
                    UPDATED.format(n): a
                    for n, a in one.after.items()
                    if a.shape == point.values[n].shape and not np.array_equal(a, point.values[n])
                }
            )
        return World(self.derivation, self.loss, self.points, extra)

    def _finding(self, fault: Fault, world: World) -> Finding:
        place = places.of_fault(self.aim, fault, fault.world or world, self._seen())
        return Finding(
            fault.kind,
            fault.words,
            fault.gradients,
            fault.line,
            fault.factor,
            place,
            self.aim.line(place),
            numpy=numpy_line(fault.line),
            fix=self._convention(fault),
        )

    def _convention(self, fault: Fault) -> str:
        """How to say that a factor of all gradients is meant."""
        if fault.kind != "wrong factor" or len(fault.gradients) < len(self.names):
            return ""
        if len(self.names) == 1 or "rate" in fault.factor:
            return ""
        scale = fault.factor.replace("(", "").replace(")", "").replace(" ", "*")
        return f"if that is meant, say so: --scale {scale}"

    def _seen(self) -> Came | None:
        calls = self.stranger.run(self.best.calls.layout, [WATCHED], fresh=True, watch=True)
        return calls.came[0] if calls.came else None

    def _on_its_line(self, finding: Finding) -> Finding:
        name = finding.gradients[0]
        place = places.of_gradient(self.aim, name)
        line = self.loss.gradients[name]
        return replace(
            finding, line=line, place=place, text=self.aim.line(place), numpy=numpy_line(line)
        )

    def _unexplained(self, names: Sequence[str]) -> Finding:
        name = names[0]
        one = next(c for c in self.best.found[name] if not c.agrees)
        words = "no single mistake that is known here gives these values"
        if one.came is not None and one.fits:
            at = np.unravel_index(int(np.abs(one.came - one.right).argmax()), one.right.shape)
            where = f"{name}[{', '.join(map(str, at))}]" if at else name
            words += f": {where} comes as {one.came[at]:.6g}, and {one.right[at]:.6g} is right"
        line = self.loss.gradients[name]
        place = places.of_gradient(self.aim, name)
        seen = self._seen()
        point = self.points[WATCHED]
        found = spread(seen.seen, point.values.values(), point.extents) if seen else None
        if found is not None:
            return Finding(
                "shape error", found[1], tuple(names), line, "", found[0], self.aim.line(found[0])
            )
        return Finding(
            "unexplained", words, tuple(names), line, "", place, self.aim.line(place),
            numpy=numpy_line(line),
        )  # fmt: skip

    def _missing(self, names: Sequence[str]) -> Finding:
        line = self.loss.gradients[names[0]]
        listed = ", ".join(names)
        return Finding(
            "missing gradient",
            f"nothing that comes back, and nothing that changes, is the gradient by {listed}",
            tuple(names),
            line,
            numpy=numpy_line(line),
            fix=f"return it, or audit the others alone: --wrt {' --wrt '.join(self.best.right)}"
            if self.best.right
            else "say what comes back in order: --returns " + ",".join(self.names),
        )

    def _mended(self, findings: list[Finding], world: World) -> tuple[list[Finding], bool]:
        """The findings with their corrections, as far as some are found."""
        mender = Mender(self.stranger, self.best.calls.layout, self.loss, self.points, self.scale)
        right = set(self.best.right)
        found: list[Finding] = []
        for number, finding in enumerate(findings):
            if found and set(finding.gradients) <= right and finding.gradients:
                # The edit before mends this too: it is one mistake, seen in two lines.
                both = (*found[-1].gradients, *finding.gradients)
                found[-1] = replace(found[-1], gradients=tuple(dict.fromkeys(both)))
                continue
            later = {n for f in findings[number + 1 :] for n in f.gradients}
            spoiled = set(finding.gradients) - later
            if finding.kind == "missing gradient":
                found.append(finding)
                continue
            hint = f"{finding.kind} {finding.words}"
            line = 0 if finding.kind == "unexplained" else finding.place
            corrections = self._corrections(mender, sorted(spoiled), sorted(right), hint, line)
            if corrections:
                right |= mender.right(self.names)
                finding = self._corrected(finding, corrections)
            found.append(finding)
        return found, mender.all_right(self.names)

    def _corrections(
        self, mender: Mender, spoiled: Sequence[str], right: Sequence[str], hint: str, line: int
    ) -> tuple[Correction, ...]:
        """One edit that mends all; else one for each gradient, if there is one for each."""
        whole = mender.mend(spoiled, right, hint, line) if spoiled else None
        if whole is not None:
            return (whole,)
        if not 1 < len(spoiled) <= _APART:
            return ()
        source, found, mended = mender.source, [], list(right)
        for name in spoiled:
            one = mender.mend([name], mended, hint)
            if one is None:
                mender.source = source
                return ()
            found.append(one)
            mended.append(name)
        return tuple(found)

    def _corrected(self, finding: Finding, corrections: tuple[Correction, ...]) -> Finding:
        """With the lines; what no mistake explains is named by the edit that mends it."""
        first = places.first_line(corrections[0])
        text = self.aim.line(first)
        finding = replace(finding, corrections=corrections, place=first, text=text)
        if finding.kind == "unexplained" and len(corrections) == 1:
            kind, words = kind_of(corrections[0])
            finding = replace(finding, kind=kind, words=words)
        return finding

    def _troubled(self, trouble: Trouble) -> tuple[list[Finding], bool]:
        """A finding for what the function did instead of giving gradients."""
        reached = len(self.best.calls.came)
        if reached and trouble.kind == "raised":
            fresh = self.stranger.run(self.best.calls.layout, range(len(self.points)), fresh=True)
            if fresh.trouble is None:
                words = (
                    f"it fails at the call after others, and not in a fresh module: "
                    f"it keeps values of the call before ({trouble.message})"
                )
                return [self._trouble_finding("stale values", words, trouble)], False
        kind = "failed"
        if trouble.kind == "raised" and trouble.line and _speaks_of_shapes(trouble.message):
            kind = "shape error"
        finding = self._trouble_finding(kind, _said(trouble), trouble)
        if kind != "shape error":
            return [finding], False
        mender = Mender(self.stranger, self.best.calls.layout, self.loss, self.points, self.scale)
        correction = mender.mend(self.names, [], kind, trouble.line)
        if correction is None:
            return [finding], False
        first = places.first_line(correction)
        finding = replace(
            finding, corrections=(correction,), place=first, text=self.aim.line(first)
        )
        return [finding], mender.all_right(self.names)

    def _trouble_finding(self, kind: str, words: str, trouble: Trouble) -> Finding:
        fix = trouble.fix or _FIXES.get(trouble.kind, "")
        fix = fix or _FIXES.get(trouble.message.partition(":")[0], "")
        if trouble.shapes and kind == "shape error":
            words += "; here " + ", ".join(f"{n} is {list(s)}" for n, s in trouble.shapes.items())
            point = self.points[len(self.best.calls.came)]
            shapes = places.shapes_of(point, trouble.shapes)
            right = ", ".join(f"{n} is {s}" for n, s in shapes.items())
            words += f"; in the derivation {right}" if right else ""
        return Finding(
            kind, words, (), None, "", trouble.line, self.aim.line(trouble.line), fix=fix
        )


def _speaks_of_shapes(message: str) -> bool:
    kind, _, text = message.partition(":")
    return kind in ("ValueError", "IndexError", "AxisError") and any(w in text for w in _SHAPES)


def _said(trouble: Trouble) -> str:
    if trouble.kind == "memory":
        return f"it asks for more memory than the 4 GB that it may have ({trouble.message})"
    return trouble.message
