"""What the plugin promises: it grows a corpus from warpsmith's own tests, and nothing from anybody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar, Final

import pytest
from stores import case

from corpus.checking import check_corpus
from corpus.files import CorpusBusy
from corpus.journal import JOURNAL
from corpus.store import Store
from harness.pytest_plugin import GrownCorpus

ROOT: Final = Path(__file__).resolve().parents[1]
INSTALLED: Final = any(entry.name == "warpsmith" for entry in entry_points(group="pytest11"))


def pytest_run(folder: Path, *options: str, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CI": "true", "PYTHONPATH": str(ROOT)}
    if scratch is not None:
        environment["TMPDIR"] = str(scratch)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


#: Runs two tests of those that grow the corpus, to a dozen pairs.
A_FEW: Final = ("tests/test_grow.py", "-k", "new_failure or discarded", "--corpus-count=12")
#: The same in two processes, a test each: the second grows what the first has grown.
SHARED: Final = ("-n", "2", "--dist", "load", "-vv")
#: Runs no test at all.
NOTHING: Final = ("tests/test_grow.py", "-k", "no_test_is_called_so")


def grown(path: Path, *options: str) -> dict[str, bytes]:
    done = pytest_run(ROOT, *A_FEW, f"--corpus={path}", *options)
    assert all((f"[{process}]" in done.stdout) == ("-n" in options) for process in ("gw0", "gw1")), done.stdout
    return contents(path, done)


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
    assert grown(tmp_path / "again", "--hypothesis-seed=1", *SHARED) == first
    assert grown(tmp_path / "other", "--hypothesis-seed=2") != first


def test_a_failure_that_another_process_met_is_seen(tmp_path: Path) -> None:
    with Store.open(tmp_path / "corpus", write=True) as store:
        store.save_case(case("met-by-another"))
    options = ("tests/test_grow.py", "-k", "new_failure", "--corpus-count=0", f"--corpus={tmp_path / 'corpus'}")
    done = pytest_run(ROOT, *options)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "met-by-another" in done.stdout


class Busy:
    """A campaign that another process keeps out of its corpus; it writes to the journal `left` times meanwhile."""

    left: ClassVar[int]

    def __init__(self, corpus: Path, *, seed: int, count: int) -> None:
        self._journal = corpus / JOURNAL

    def run(self) -> str:
        Busy.left -= 1
        if Busy.left < 0:
            raise CorpusBusy("another campaign is running")
        with self._journal.open("ab") as journal:
            journal.write(b"so far\n")
        if Busy.left == 0:
            return "grown"
        raise CorpusBusy("another campaign is running")


def test_another_process_is_waited_for_as_long_as_it_gets_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.pytest_plugin.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("harness.campaign.campaign.Campaign", Busy)
    Busy.left = 4
    assert GrownCorpus(tmp_path, 1).grow(12) == "grown"
    Busy.left = 0
    with pytest.raises(CorpusBusy):
        GrownCorpus(tmp_path, 1).grow(12)


def test_a_run_that_grows_nothing_says_nothing_of_a_corpus(tmp_path: Path) -> None:
    done = pytest_run(ROOT, *NOTHING, "--hypothesis-seed=1", scratch=tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert "verified pairs" not in done.stdout
    assert "Error" not in done.stdout + done.stderr


def test_a_corpus_that_cannot_be_read_is_named_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "verified").mkdir()
    (tmp_path / JOURNAL).write_text("nonsense\n")
    done = pytest_run(ROOT, *NOTHING, f"--corpus={tmp_path}")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert f"warpsmith: {tmp_path}/{JOURNAL}, line 1: not an entry of the journal" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


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
