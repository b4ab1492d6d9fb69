"""What a command leaves behind when somebody ends it: a status, a sentence, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from harness.campaign.plan import Plan
from harness.campaign.workers import WorkerHandle
from harness.commands import run
from harness.frontend import hunting
from harness.sandbox import Sandbox
from harness.verdict import FailureKind

#: Seconds within which a command starts, or ends, on a machine that others use too.
PATIENCE: Final = 120
#: A file of a person's, whose import does not end.
ENDLESS: Final = "import pathlib, time\npathlib.Path(__file__).with_name('imported').touch()\ntime.sleep(1000)\n"


def heed_interruptions() -> None:
    """Undo what a shell does to commands in the background, which SIGINT does not reach; children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def python(*arguments: object, temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        preexec_fn=heed_interruptions,
    )


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running_in(folder: Path) -> list[str]:
    """The processes whose temporary folder is `folder`, or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_process_and_no_temporary_file(number: signal.Signals, status: int, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "mine.py").write_text(ENDLESS)
    process = python("-m", "warpsmith", "extract", tmp_path / "mine.py", temporary=tmp_path / "temporary")
    wait_for((tmp_path / "imported").exists)
    process.send_signal(number)
    assert process.communicate(timeout=PATIENCE)[1] == "warpsmith: interrupted\n"
    assert process.returncode == status
    assert not list((tmp_path / "temporary").iterdir())
    assert not running_in(tmp_path / "temporary")


def test_a_signal_before_the_modules_are_there_shows_no_traceback(tmp_path: Path) -> None:
    # a package that takes long to import, as all of them do on a busy machine
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text(ENDLESS)
    code = f"import sys, warpsmith; sys.path.insert(0, {str(tmp_path)!r}); warpsmith.main()"
    process = python("-c", code, temporary=tmp_path)
    wait_for((tmp_path / "harness" / "imported").exists)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[1] == ""
    assert process.returncode == -signal.SIGINT


def test_an_interrupted_hunt_in_the_front_end_sums_up_and_leaves_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def interrupted(source: str, sandbox: object) -> None:
        asked.append(source)
        if len(asked) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(hunting, "judge", interrupted)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(["hunt", "--frontend", "--json"]) == 0
    printed = capsys.readouterr()
    assert "interrupted" in printed.err
    assert '"texts": 2' in printed.out
    assert not list(tmp_path.iterdir())


def test_what_was_met_and_not_saved_before_an_interruption_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    class Found:
        bucket = "a-new-one"
        kind = FailureKind.REJECTED

    monkeypatch.setattr(hunting, "judge", lambda source, sandbox: Found())
    monkeypatch.setattr(hunting, "_save", interrupted)
    tally = hunting.hunt(tmp_path / "corpus", 0, 60.0, sys.executable, lambda sentence: None)
    assert tally.interrupted
    assert not tally.met


#: An interpreter that starts as a worker of a sandbox does, and then heeds neither its input nor a signal.
STUBBORN: Final = f"""#!{sys.executable}
import os, signal, sys, time
sys.path.append({str(Path(__file__).parents[1])!r})
from harness.worker.frames import write_frame
signal.signal(signal.SIGTERM, signal.SIG_IGN)
write_frame(1, dict(warp="1.19.0", numpy="2.0", python="3.11", settings=[], builtins=""))
time.sleep(1000)
"""


@pytest.fixture
def stubborn(tmp_path: Path) -> str:
    (tmp_path / "python").write_text(STUBBORN)
    (tmp_path / "python").chmod(0o755)
    return str(tmp_path / "python")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path / "temporary"


def test_a_worker_has_time_to_end_a_sandbox_that_does_not_want_to(stubborn: str, temporary: Path) -> None:
    worker = WorkerHandle(Plan(0, (), python=stubborn))
    wait_for(lambda: bool(list(worker.answers()) or worker.versions))
    assert list(temporary.iterdir())
    worker.close()
    assert not list(temporary.iterdir())
    assert not running_in(temporary)


def test_an_interruption_while_a_sandbox_starts_leaves_nothing(
    stubborn: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(sandbox: Sandbox, deadline: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sandbox, "_next_frame", interrupted)
    with pytest.raises(KeyboardInterrupt), Sandbox(stubborn):
        pass
    assert not list(temporary.iterdir())
    assert not running_in(temporary)
