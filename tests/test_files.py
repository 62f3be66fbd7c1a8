"""Files are written whole or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from symbackprop.errors import CallError
from symbackprop.files import alone_in, ending_of, make_folder, write_all, write_whole


def not_here(*_):
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")


@pytest.fixture(params=["unnamed at first", "named"], autouse=True)
def way(request, monkeypatch) -> str:
    """Both ways of writing beside the file: systems differ in what they have."""
    if request.param == "named":
        monkeypatch.setattr("symbackprop.files._unnamed_at_first", not_here)
    return request.param


def test_the_ending_of_a_name():
    known = (".svg", ".png")
    assert ending_of("a/x.PNG", known, "draw", "picture") == ".png"
    for path, said in {
        "a/.PNG": "cannot draw 'a/.PNG': there is no name before '.PNG'\n"
        "  fix: write it as in a/name.PNG",
        "a.b/x": "cannot draw 'a.b/x': the file's name has no ending\n"
        "  fix: end the file's name in .svg or .png",
        "x.": "cannot draw 'x.': the file's name has no ending\n"
        "  fix: end the file's name in .svg or .png",
        "x.bmp": "cannot draw 'x.bmp': no picture ends in '.bmp'\n"
        "  fix: end the file's name in .svg or .png",
        5: "cannot draw: the path is of type int\n  fix: give it as text, or as a pathlib.Path",
    }.items():
        with pytest.raises(CallError) as fault:
            ending_of(path, known, "draw", "picture")
        assert str(fault.value) == said


def test_text_and_bytes(tmp_path):
    path = write_whole(tmp_path / "a" / "b" / "x.txt", "σ\n")
    assert path.read_bytes() == "σ\n".encode()
    assert write_whole(path, b"\x00").read_bytes() == b"\x00"
    assert os.listdir(path.parent) == ["x.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "x.txt", "old")

    def fail(source, target):
        raise OSError("no room")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.txt"]


def test_faults_name_the_file_that_was_asked_for(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_whole(tmp_path / "folder", "new")
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "folder"), None)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "a file beside it")

    monkeypatch.setattr("os.fsync", refuse)
    for write in (lambda: write_whole(tmp_path / "x", "new"), lambda: make_folder(tmp_path / "x")):
        with pytest.raises(PermissionError) as caught:
            write()
        assert caught.value.filename == str(tmp_path / "x")


def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path):
    assert write_whole(tmp_path / ("x" * 250), "new").read_text() == "new"


def test_a_folder_is_made_and_left_empty(tmp_path):
    assert os.listdir(make_folder(tmp_path / "a" / "b")) == []


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "x.txt", "new")
    assert os.listdir(tmp_path) == []


def test_permissions_are_those_that_open_would_give(tmp_path):
    mask = os.umask(0o027)
    try:
        path = write_whole(tmp_path / "x.txt", "new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_files_that_belong_together_are_replaced_together(tmp_path, monkeypatch):
    first, second = tmp_path / "net.py", tmp_path / "test_net.py"
    write_all({first: "old", second: "old"})
    full = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def fill(number):
        if fault := next(full):
            raise fault

    monkeypatch.setattr("os.fsync", fill)
    with pytest.raises(OSError, match="No space left") as caught:
        write_all({first: "new", second: "new"})
    assert caught.value.filename == str(second)
    assert first.read_text() == second.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["net.py", "test_net.py"]


KILLED = """
import os, signal, sys
from pathlib import Path
from symbackprop import files
if sys.argv[2] == "named":
    files._unnamed_at_first = files._named
os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
files.write_whole(Path(sys.argv[1]), "new" * 100_000)
"""


def test_whoever_is_killed_while_writing_leaves_the_old_file(tmp_path, way):
    path = write_whole(tmp_path / "x.txt", "old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), way], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    if way != "named":
        assert os.listdir(tmp_path) == ["x.txt"]


LIMITED = """
import resource, sys
from symbackprop.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
sys.exit(main(["generate", "affine", "-o", sys.argv[1]]))
"""


def test_a_disk_without_room_is_told_in_one_message_and_nothing_is_left(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    path = tmp_path / "affine.py"
    assert ended.stderr == (
        f"symbackprop: {path}: File too large\n"
        "  fix: choose another place with -o, or make room there\n"
    )
    assert ended.returncode == 2 and os.listdir(tmp_path) == []


def test_one_alone_in_a_folder(tmp_path):
    refused = pytest.raises(CallError, match="another run is writing to")
    with alone_in(tmp_path, "run"):
        with refused as caught, alone_in(tmp_path, "run"):
            pass
        assert caught.value.fix == "let it end, or choose another folder with -o"
    with alone_in(tmp_path, "run"):
        assert os.listdir(tmp_path) == []
