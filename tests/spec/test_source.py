"""Where specs come from: files that are none, sizes, the gallery; and what is never imported."""

import inspect
import os
import re
import subprocess
import sys
import time

import pytest

from symbackprop.layers import LAYERS
from symbackprop.spec import SpecError, load, parse
from symbackprop.spec.names import BASES
from symbackprop.spec.reader import TRAIN_KEYS
from symbackprop.spec.source import gallery
from symbackprop.training.keys import KEYS, SETTINGS

SMALL = "name: a\ninputs: {x: [N]}\nloss: mean(x)\n"


def message_of(where) -> str:
    with pytest.raises(SpecError) as raised:
        load(where)
    return str(raised.value)


def test_a_path_and_a_name_of_the_gallery(tmp_path):
    (tmp_path / "a.yaml").write_text(SMALL)
    assert load(tmp_path / "a.yaml") == load(str(tmp_path / "a.yaml"))
    assert load("xor").name == "xor"


def test_an_unknown_name():
    assert message_of("xro") == (
        "xro: neither a file nor a spec of the gallery is called 'xro'\n  fix: did you mean 'xor'?"
    )
    assert message_of("nowhere/net.yaml") == (
        "nowhere/net.yaml: neither a file nor a spec of the gallery is called 'nowhere/net.yaml'\n"
        f"  fix: a path needs to exist; the gallery has {', '.join(gallery())}"
    )


def test_a_directory(tmp_path):
    assert message_of(tmp_path) == (
        f"{tmp_path}: this is a directory\n  fix: name a .yaml file in it"
    )


def test_a_binary_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\x89PNG\0\0\1")
    assert message_of(path) == (
        f"{path}: this is a binary file\n  fix: a spec is a text file, in UTF-8"
    )
    path.write_bytes(b"name: caf\xe9")
    assert message_of(path) == f"{path}: byte 9 is not UTF-8 text\n  fix: save the spec as UTF-8"


def test_ten_megabytes(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# long\n" * 1_500_000)
    start = time.process_time()
    size = path.stat().st_size
    message = f"{path}: {size:,} bytes; the limit of a spec is 500,000\n"
    assert message_of(path) == message + "  fix: keep large data in a file of its own"
    assert time.process_time() - start < 1
    with pytest.raises(SpecError, match="the limit of a spec is 500,000"):
        parse("x" * 10_000_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    assert "this is no regular file" in message_of(tmp_path / "a.yaml")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root reads all files")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(SMALL)
    path.chmod(0)
    assert "cannot be read: Permission denied" in message_of(path)


@pytest.mark.parametrize("where", ["a\0b", "a" * 5000, ""])
def test_a_path_that_cannot_be(where):
    assert "\n  fix: " in message_of(where)


HOSTILE = {
    "long list": "inputs: [" + "1," * 200_000 + "]",
    "long text": "x = 1\n" * 80_000,
    "open brackets": "network: |\n" + "  y = (\n" * 60_000,
    "deep brackets": "network: |\n" + "  ((\n  )\n" * 45_000,
    "deep lists": "a: " + "- " * 5_000,
    "flow and keys": "[a: " * 50_000,
    "many faults": "network: |\n" + "  a = b\n" * 60_000,
    "many names": "network: |\n" + "".join(f"  a{k} = b{k}\n" for k in range(25_000)),
    "many braces": "{a " * 100_000,
    "one long line": "network: |\n  y = " + "x + " * 100_000,
    "many quotes": "network: |\n  " + "'" * 400_000,
    "many anchors": "&a " * 100_000,
    "blanks where '=' could stand": "network: |\n  a" + " " * 400_000 + "b",
    "blanks where a step could stand": "network: |\n  a[," + " " * 400_000 + "] = 1",
    "many brackets closed": "network: |\n  a[" + ("]" + " " * 1000) * 400,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused_quickly(name):
    start = time.process_time()
    with pytest.raises(SpecError):
        parse(HOSTILE[name])
    assert time.process_time() - start < 2.5, "one second on a quiet machine"


def test_neither_sympy_nor_numpy_is_imported():
    code = (
        "import sys; import symbackprop.spec as s; s.load('xor')\n"
        "try: s.parse('a: 1')\n"
        "except s.SpecError: pass\n"
        "print(sorted({'sympy', 'numpy', 'jinja2', 'rich'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_keys_of_train_are_those_that_the_trainer_reads():
    assert sorted(TRAIN_KEYS) == sorted({**KEYS, **SETTINGS})


def test_the_parameters_that_layers_make_have_the_names_that_a_spec_may_use():
    made = {
        base.partition("_")[0]  # the part of W_q comes after the number: W1_q
        for layer in LAYERS.values()
        for base in re.findall(r'call\.parameter\(\s*"(\w+)"', inspect.getsource(layer.define))
    }
    assert made and made <= set(BASES)
