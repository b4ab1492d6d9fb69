"""What the plugin promises: it grows a corpus from warpsmith's own tests, and nothing from anybody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest

from corpus.checking import check_corpus
from corpus.store import Store

ROOT: Final = Path(__file__).resolve().parents[1]
INSTALLED: Final = any(entry.name == "warpsmith" for entry in entry_points(group="pytest11"))


def pytest_run(folder: Path, *options: str, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CI": "true", "PYTHONPATH": str(ROOT)}
    if scratch is not None:
        environment["TMPDIR"] = str(scratch)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


#: Runs one test of those that grow the corpus, to a dozen pairs.
A_FEW: Final = ("tests/test_grow.py", "-k", "new_failure", "--corpus-count=12")


def grown(path: Path, *options: str) -> dict[str, bytes]:
    return contents(path, pytest_run(ROOT, *A_FEW, f"--corpus={path}", *options))


def contents(path: Path, done: subprocess.CompletedProcess[str]) -> dict[str, bytes]:
    """The pairs that a run of pytest left in a folder, which it must have grown well."""
    assert "verified pairs" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert check_corpus(path) == []
    return {file.name: file.read_bytes() for file in sorted(path.glob("verified/*"))}


def test_the_seed_decides_what_grows(tmp_path: Path) -> None:
    # A seed alone grows a folder whose place is printed.
    done = pytest_run(ROOT, *A_FEW, "--hypothesis-seed=1", scratch=tmp_path)
    (folder,) = tmp_path.glob("warpsmith-pytest-*")
    assert str(folder) in done.stdout
    first = contents(folder, done)
    assert any(Store.open(folder, write=False).records())
    # Several processes of pytest grow one folder in turn.
    assert grown(tmp_path / "again", "--hypothesis-seed=1", "-n", "2") == first
    assert grown(tmp_path / "other", "--hypothesis-seed=2") != first


def test_without_either_nothing_is_kept(tmp_path: Path) -> None:
    done = pytest_run(ROOT, "tests/test_grow.py", "-k", "together", scratch=tmp_path)
    assert "passed" in done.stdout
    assert "verified pairs" not in done.stdout
    assert not list(tmp_path.glob("warpsmith*"))


def test_other_projects_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--corpus', default='theirs')\n"
    )
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n"
        "def test_theirs(request):\n"
        "    assert request.config.getoption('--corpus') == 'theirs'\n"
        "    assert 'harness.campaign.campaign' not in sys.modules\n"
    )
    plugin = () if INSTALLED else ("-p", "harness.pytest_plugin")
    done = pytest_run(tmp_path, *plugin, "--hypothesis-seed=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "warpsmith" not in done.stdout


@pytest.mark.parametrize("options", [("--corpus",), ("--corpus=",)])
def test_a_folder_must_be_named(options: tuple[str, ...], tmp_path: Path) -> None:
    done = pytest_run(ROOT, *A_FEW, *options)
    assert done.returncode != 0
