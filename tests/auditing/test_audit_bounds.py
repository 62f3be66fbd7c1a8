"""What a stranger's function does in place of giving gradients: bounded, and said in one line."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from strangers import RIGHT

import symbackprop as sb
from symbackprop.auditing.model import Audit, Finding

GIVEN = "x, y, W1, b1, W2, b2"
DERIVATION = sb.derive(sb.load("xor"))


def audit(tmp_path: Path, body: str, timeout: float = 10.0, before: str = "") -> Audit:
    path = tmp_path / "stranger.py"
    path.write_text(f"{before}\ndef f({GIVEN}):\n    {body}\n", "utf-8")
    return sb.audit(f"{path}:f", DERIVATION, timeout=timeout)


def only(found: Audit) -> Finding:
    assert not found
    (finding,) = found.findings
    assert found.verdict == "refused: it gives no gradients"
    return finding


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "it returns None and changes no parameter"),
        ("return {}", "it returns an empty dict and changes no parameter"),
        ("return 'done'", "it returns a str; wanted are the gradients by W1, b1, W2, b2"),
        ("yield W1", "it returns a generator; wanted are the gradients by W1, b1, W2, b2"),
        ("return undefined", "NameError: name 'undefined' is not defined"),
        ("return input()", "EOFError: EOF when reading a line"),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('bye')", "it ends the program: sys.exit('bye')"),
        ("import os; os._exit(3)", "the process ended itself with the code 3"),
        ("return f(x, y, W1, b1, W2, b2)", "RecursionError: maximum recursion depth exceeded"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_it_says_what_happened(tmp_path: Path, body: str, words: str) -> None:
    assert only(audit(tmp_path, body)).words == words


@pytest.mark.parametrize(
    "body",
    [
        "import os; os.fork()",
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
    ],
)
def test_no_other_processes_and_no_network(tmp_path: Path, body: str) -> None:
    assert "an audited file may not use" in only(audit(tmp_path, body)).words


def test_files_outside_its_folder_stay_as_they_are(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    for body in (f"open({str(kept)!r}, 'w')", f"import os; os.remove({str(kept)!r})"):
        assert "PermissionError" in only(audit(tmp_path, body)).words
    assert kept.read_text() == "kept"
    found = audit(tmp_path, "open('own.txt', 'w').write('x'); return None")
    assert "returns None" in only(found).words


@pytest.mark.parametrize("body", ["while True: pass", "while True: print('x' * 10000)"])
def test_a_loop_ends(tmp_path: Path, body: str) -> None:
    start = time.monotonic()
    found = only(audit(tmp_path, body, timeout=1.5))
    assert found.words == "it gives no answer in 1.5 seconds"
    assert found.fix == "end its loop; or give it more time: --timeout 60"
    assert time.monotonic() - start < 15


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is not bounded")
def test_memory_is_bounded(tmp_path: Path) -> None:
    found = only(audit(tmp_path, "return np.ones(10**11)", before="import numpy as np"))
    assert "more memory than the 4 GB" in found.words and found.place == 3


def test_what_fails_on_loading_is_the_strangers(tmp_path: Path) -> None:
    found = only(audit(tmp_path, "return W1", before="import no_such_module"))
    assert found.words == "ModuleNotFoundError: No module named 'no_such_module'"
    assert (found.place, found.text) == (1, "import no_such_module")


def test_a_chatty_function_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "chatty.py"
    path.write_text(RIGHT.replace("    return dW1", "    print('x' * 10**6)\n    return dW1"))
    assert sb.audit(f"{path}:gradients", DERIVATION)


def test_shapes_stand_beside_a_shape_error(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(RIGHT.replace("dW2 = h.T @ dz2", "dW2 = h @ dz2"))
    found = sb.audit(f"{path}:gradients", DERIVATION)
    (finding,) = found.findings
    assert finding.kind == "shape error"
    assert "here dz2 is [3, 1], h is [3, 2]; in the derivation dz2 is [3, 1]" in finding.words
    assert finding.text == "dW2 = h @ dz2"
    assert finding.corrections[0].after.strip() == "dW2 = h.T @ dz2" and found.verified


def test_values_of_the_call_before_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "keeps.py"
    kept = "    W2 = KEPT.setdefault('W2', W2)\n    dz1 ="
    path.write_text("KEPT = {}\n" + RIGHT.replace("    dz1 =", kept))
    (finding,) = sb.audit(f"{path}:gradients", DERIVATION).findings
    assert finding.kind == "stale values" and "fresh module" in finding.words
    assert finding.gradients == ("W1", "b1")


def test_the_child_imports_numpy_and_nothing_heavier() -> None:
    code = "import sys; import symbackprop.auditing.child; print('sympy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


@pytest.mark.parametrize(
    "body",
    [
        "open('mine', 'w').close(); os.replace('mine', {!r})",
        "os.chmod({!r}, 0)",
        "os.link({!r}, 'mine')",
        "os.symlink({!r}, 'mine')",
        "open({!r}, 'w')",
        "os.remove({!r})",
    ],
)
def test_files_of_others_stay_as_they_are(tmp_path: Path, body: str) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("kept")
    mode = precious.stat().st_mode
    found = only(audit(tmp_path, f"import os; {body.format(str(precious))}"))
    assert found.words.startswith("PermissionError: ")
    assert precious.read_text() == "kept" and precious.stat().st_mode == mode
