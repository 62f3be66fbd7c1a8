"""A coverage-guided fuzzer of the front end: any text is a spec, or is refused in plain words.

    pip install atheris==3.0.0
    python -m tests.fuzz.front_end --seconds 3600 --failures fuzzed_text/

Atheris (libFuzzer for Python) is no dependency of the project; without it, or with `--plain`, texts
are changed at random, unguided. Text goes as far as the equations of a spec. It fails with anything
but a SpecError, and by taking more than two seconds; each failure is kept as a file, once for
every place in the package where it came about.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

SECONDS = 2.0  # that one text may take
MEMORY = 6 << 30  # bytes that the process may have
LONGEST = 4000  # characters
DRAWN = 300  # random specs among the first texts
WORDS = [
    "name:", "inputs:", "params:", "dims:", "constants:", "network: |", "loss:", "losses:", "wrt:",
    "outputs:", "sparse:", "train:", "shape:", "classes:", "kind: mask", "kind: distribution",
    "draw: normal", "bernoulli(0.5)", "init: zeros", "trainable: false", "value:", "title:",
    "notes:", "sum[", "max[p:2, q:2](", "mean[", "prod[", "logsumexp[", "where(", "stop_gradient(",
    "axis=", "keepdims=True", "name=", "reverse=True", 'padding="same"', 'reduction="sum"', ".T",
    " @ ", "**", "<=", "!=", "~", " & ", " | ", "[n, i]", "[n, t - 1, i]", "2*i + p", "[n, -1]",
    "1e400", "0x1", "1_0", "if", "lambda", "not", "{", "}", "[", "]", "(", ")", "|", ">", "&a",
    "*a", "<<:", "!!python/object", "---", "...", "%YAML 1.2", "\t", "\r\n", "\x00", "\ufeff", "é",
    "\u2028", "−", "#", "'", '"', "\\", ",", ":", " = ", "=", "?", "- ", "9" * 30, "(" * 40,
    "[" * 40, "-" * 40,
]  # fmt: skip


def judged(text: str) -> BaseException | None:
    """What is wrong with what becomes of the text; None if nothing is."""
    from symbackprop.equations.build import build
    from symbackprop.spec import SpecError, parse
    from tests.fuzz.held import Hangs, require_plain, within

    begun = time.process_time()
    try:
        with within(SECONDS):
            try:
                build(parse(text))
            except SpecError as refusal:
                require_plain(refusal)
    except (Exception, Hangs) as raised:
        return raised
    spent = time.process_time() - begun  # a signal waits for a regular expression to end
    return Hangs(f"took {spent:.1f} s") if spent > SECONDS else None


class Search:
    """Judges texts, keeps the first failure of each kind and tells how it goes."""

    def __init__(self, failures: Path) -> None:
        from tests.fuzz.specs import kind_of

        self.kind_of = kind_of
        self.failures = failures
        self.tally: Counter[str] = Counter()
        self.begun = time.time()
        failures.mkdir(parents=True, exist_ok=True)

    def look(self, text: str) -> None:
        self.tally["texts"] += 1
        wrong = judged(text)
        if wrong is not None:
            kind = self.kind_of(wrong)
            self.tally[kind] += 1
            if self.tally[kind] <= 3:
                name = f"{kind.replace(' ', '_')}_{self.tally[kind]}"
                (self.failures / f"{name}.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
                told = "".join(traceback.format_exception(wrong))
                (self.failures / f"{name}.txt").write_text(told, encoding="utf-8")
        if self.tally["texts"] % 2000 == 0:
            self.tell()

    def tell(self) -> None:
        told = {"seconds": round(time.time() - self.begun), **self.tally}
        (self.failures / "tally.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def first_texts() -> list[str]:
    """The gallery and some random specs."""
    from symbackprop.spec.source import gallery
    from tests.fuzz.draws import Draws
    from tests.fuzz.whole import whole

    drawn = [whole(Draws(Random(seed))).text for seed in range(DRAWN)]
    return [path.read_text(encoding="utf-8") for path in gallery().values()] + drawn


def changed(random: Random, texts: Sequence[str]) -> str:
    """One of the texts with a few changes: words put in, pieces left out, doubled or of others."""
    text = random.choice(texts)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 0, 1, 1, 2, 5, 20)))
        other = random.choice(texts)
        at = random.randrange(len(other))
        piece = random.choice(
            (random.choice(WORDS), "", text[start:end] * 2, other[at : at + random.randint(1, 40)])
        )
        text = text[:start] + piece + text[end:]
    return text[:LONGEST]


def plain(search: Callable[[str], None], seconds: float, seed: int = 0) -> None:
    """Texts changed at random, for so long."""
    random, texts, ends = Random(seed), first_texts(), time.time() + seconds
    while time.time() < ends:
        search(changed(random, texts))


def guided(failures: Path, seconds: int, corpus: Path) -> None:
    """Texts that reach new code are kept and changed further. Does not return."""
    import atheris

    with atheris.instrument_imports(include=["symbackprop"], enable_loader_override=False):
        from symbackprop.equations.build import build  # noqa: F401
        from symbackprop.spec import parse  # noqa: F401
    search = Search(failures)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(first_texts()):
        (corpus / f"first_{number}").write_text(text, encoding="utf-8")
    dictionary = failures / "words.dict"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS)
    dictionary.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")

    def look(raw: bytes) -> None:
        search.look(raw.decode("utf-8", "replace"))

    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=120"]
    limits += ["-rss_limit_mb=5000", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(corpus), f"-dict={dictionary}", *limits], look)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--failures", type=Path, default=Path("fuzzed_text"))
    parser.add_argument("--corpus", type=Path, help="kept between runs; else thrown away")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        import atheris  # noqa: F401
    except ImportError:
        given.plain = True
    if not given.plain:
        guided(given.failures, given.seconds, given.corpus or Path(tempfile.mkdtemp()))
    search = Search(given.failures)
    plain(search.look, given.seconds)
    search.tell()
    print((given.failures / "tally.json").read_text("utf-8"))
    return int(len(search.tally) > 1)


if __name__ == "__main__":
    sys.exit(main())
