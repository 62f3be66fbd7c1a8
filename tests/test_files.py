"""Files are written whole or not at all."""

import errno
import os
import stat

import pytest

from symbackprop.files import make_folder, write_whole


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

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
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
