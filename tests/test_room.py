"""What a machine lacks, room for temporary files or memory, is said in a sentence and is no failure of a program."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from test_sandbox import SCALE, source
from test_sandbox import job as scaling

from harness.campaign.plan import Plan
from harness.campaign.workers import WorkerHandle
from harness.jobs import Job, Status
from harness.sandbox import MachineLacking, Sandbox, SandboxError
from harness.worker import imported
from harness.worker.batch import end_if_dead
from strategies.ops import ATOMICS, OPS

ROOT: Final = Path(__file__).resolve().parents[1]
#: Seconds, for a machine that is busy.
PATIENCE: Final = 120.0

FULL: Final = "raise OSError(28, 'No space left on device')"
MADE_OF_IT: Final = f"try:\n    {FULL}\nexcept OSError as error:\n    raise RuntimeError from error\n"
#: What a program does to the Warp of its own process, in place of what would happen there.
INSTEAD: Final = "import os, sys, warp\ndef instead(*arguments, **named):\n    {}\nwarp.{} = instead\n"
DIES: Final = "print('LLVM ERROR: No space left on device', file=sys.stderr, flush=True); os._exit(1)"

NO_ROOM: Final = "there is no room left in {}: make some, or set TMPDIR"
NO_MEMORY: Final = "there is no memory left"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def sandbox(place: Path) -> Iterator[Sandbox]:
    with Sandbox(root=place) as opened:
        yield opened


def lacking(code: str) -> Job:
    return Job(f"{source('bad', SCALE)}\n\n{code}\n", "bad", scaling("bad").launches)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (FULL, NO_ROOM),
        (FULL.replace("28", str(errno.EDQUOT)), NO_ROOM),
        (MADE_OF_IT, NO_ROOM),
        ("raise MemoryError", NO_MEMORY),
        (INSTEAD.format(FULL, "load_module"), NO_ROOM),
        (INSTEAD.format("raise MemoryError", "load_module"), NO_MEMORY),
        (INSTEAD.format("raise Exception('build failed: No space left on device')", "load_module"), NO_ROOM),
        (INSTEAD.format(DIES, "load_module"), NO_ROOM),
        (INSTEAD.format(FULL, "launch"), NO_ROOM),
    ],
)
@pytest.mark.parametrize("company", [0, 2])
def test_what_the_machine_lacks_is_no_fault_of_a_program(
    code: str, said: str, company: int, place: Path, sandbox: Sandbox
) -> None:
    with pytest.raises(MachineLacking, match=re.escape(said.format(place))):
        sandbox.run([*(scaling(f"beside{n}") for n in range(company)), lacking(code)])
    (after,) = sandbox.run([scaling("after")])
    assert after.status is Status.OK


def test_without_a_fork_it_is_said_as_well(tmp_path: Path) -> None:
    with Sandbox(root=tmp_path, fork=False) as sandbox:
        for code in (FULL, INSTEAD.format(FULL, "launch")):
            with pytest.raises(MachineLacking, match="there is no room left"):
                sandbox.run([lacking(code)])
            sandbox.close()
        (after,) = sandbox.run([scaling("after")])
        assert after.status is Status.OK


def test_a_folder_for_a_batch_that_cannot_be_made_is_no_end_of_the_worker(place: Path, sandbox: Sandbox) -> None:
    full = "def mkdir(*arguments, **named):\n    raise OSError(28, 'No space left on device')\n"
    worker = (
        f"import os, sys\nsys.path[:0] = [{str(ROOT)!r}]\nfrom harness.worker.frames import FrameReader, write_frame\n"
        "from harness.worker.headers import Headers\nfrom harness.worker.parent import Worker\n"
        f"{full}os.mkdir = mkdir\n"
        "request, asked = os.pipe()\nreply, replied = os.pipe()\n"
        "for _ in range(2):\n    write_frame(asked, {'config': {}, 'options': {}})\n"
        "os.close(asked)\nheaders = Headers('/place/root', None)\n"
        "Worker('/place/root', 'cpu', False, headers, request, replied).serve()\nos.close(replied)\n"
        "reader = FrameReader(reply)\nprint(reader.read(), reader.read(), reader.read())\n"
    )
    done = subprocess.run([sys.executable, "-c", worker], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(NO_ROOM.format("/place")) == 2


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match=f"cannot make a folder for temporary files in {tmp_path / 'none'}: No such"):
        Sandbox(root=tmp_path / "none").run([scaling("any")])

    def full(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(MachineLacking, match=NO_ROOM.format(tmp_path)):
        Sandbox(root=tmp_path).run([scaling("any")])


BUILTINS: Final = dict.fromkeys({row.warp_name for row in OPS.values()} | set(ATOMICS), "")
#: An interpreter that starts as a worker of a sandbox does, and then says that there is no room.
NARROW: Final = f"""#!{sys.executable}
import os, sys
sys.path.append({str(ROOT)!r})
from harness.worker.frames import FrameReader, write_frame
write_frame(1, dict(warp="1.19.0", numpy="2.0", python="3.11", settings=[], builtins={BUILTINS!r}))
reader = FrameReader(0)
while reader.read() is not None:
    write_frame(1, dict(lacking="there is no room left in /tmp"))
"""


def listen(worker: WorkerHandle) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert not list(worker.answers())
        time.sleep(0.05)


def test_a_worker_tells_the_campaign_in_the_same_sentence(tmp_path: Path) -> None:
    (tmp_path / "python").write_text(NARROW)
    (tmp_path / "python").chmod(0o755)
    worker = WorkerHandle(Plan(0, ("unary",), python=str(tmp_path / "python")))
    try:
        worker.ask({"verify": range(4)})
        with pytest.raises(SandboxError, match=r"^there is no room left in /tmp$"):
            listen(worker)
    finally:
        worker.close()


#: A file system of so few bytes in a name space of its own.
SMALL: Final = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT: Final = "mount -t tmpfs -o size=2m tmpfs {}"


def _can_mount(place: Path) -> bool:
    try:
        return subprocess.run([*SMALL, MOUNT.format(place)], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_a_campaign_on_a_full_folder_for_temporary_files_ends_with_a_sentence(tmp_path: Path) -> None:
    place, corpus = tmp_path / "small", tmp_path / "corpus"
    place.mkdir()
    if not _can_mount(place):
        pytest.skip("no file system of one's own can be mounted here")
    grow = f"{sys.executable} -m harness grow --count 2 -c unary --workers 1 --corpus {corpus}"
    done = subprocess.run(
        [*SMALL, f"{MOUNT.format(place)} && TMPDIR={place} {grow}"],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"warpsmith: {NO_ROOM.format(place)}")
    assert "Traceback" not in done.stderr
    assert not list(corpus.glob("failures/*"))


# ---------------------------------------------------------------- a device that is lost


class Ended(BaseException):
    """The process has ended."""


def test_a_process_for_which_a_device_does_nothing_more_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def lost(device: str) -> None:
        asked.append(device)
        raise RuntimeError("CUDA error 700: an illegal memory access was encountered")

    def end(status: int) -> None:
        assert status != 0
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(imported, "wp", SimpleNamespace(synchronize_device=asked.append))
    end_if_dead("cuda:0")
    assert asked == ["cuda:0"]
    monkeypatch.setattr(imported, "wp", SimpleNamespace(synchronize_device=lost))
    with pytest.raises(Ended):
        end_if_dead("cuda:0")
    assert "illegal memory access" in capsys.readouterr().err
    end_if_dead("cpu")
    assert asked == ["cuda:0", "cuda:0"]
