"""Runs the script of a report in a fresh process, and says how it ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

#: What the two files of a report are called, the script and the regression.
REPRO: Final = "repro.py"
TEST: Final = "test_repro.py"

#: Seconds on the clock for a reproduction: it imports Warp and builds one kernel.
REPRO_SECONDS: Final = 180
#: Exit statuses of a reproduction.
FIXED, FAILING = 0, 1
#: How Python begins to tell of an exception that nobody caught, which ends a script with status 1 as well.
TRACEBACK: Final = "Traceback (most recent call last)"
#: What Warp says first on a machine without a GPU, which has no bearing on a failure on the CPU.
_NO_DRIVER: Final = re.compile(
    r"^Warp CUDA warning: Could not find or load the NVIDIA CUDA driver\b.*\n?", re.MULTILINE
)
#: Where a machine keeps its packages, which is of no use to another.
_INSTALLED: Final = re.compile(r"[^\s'\"=]*/(?:site|dist)-packages/")


class Ran(NamedTuple):
    """How a script ended: its exit status (None: out of time), and what it printed."""

    status: int | None
    output: str

    @property
    def fails(self) -> bool:
        """Whether it showed the failure; an exception of its own shows nothing."""
        return self.status == FAILING and TRACEBACK not in self.output

    @property
    def fixed(self) -> bool:
        """Whether it showed that the failure is gone."""
        return self.status == FIXED

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        return "did not end" if self.status is None else f"ended with status {self.status}"


#: Runs a script as it is. One kernel is built sooner without a precompiled header, which would have to be built first.
#: It ends with the process that runs it, where the system knows how (`PR_SET_PDEATHSIG`, `SIGKILL`).
_AS_IT_IS: Final = """
import contextlib, ctypes, runpy, sys
with contextlib.suppress(OSError, AttributeError):
    ctypes.CDLL(None).prctl(1, 9)
import warp
warp.config.use_precompiled_headers = False
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_repro(script: str, python: str = sys.executable) -> Ran:
    """Run the text of a script in a fresh process, with a fresh kernel cache, by `python`."""
    with tempfile.TemporaryDirectory(prefix="warpsmith-repro-") as folder:
        path = Path(folder) / REPRO
        path.write_text(script, encoding="utf-8")
        environment = {**os.environ, "WARP_CACHE_PATH": folder, "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        if paths := os.environ.get("PYTHONPATH"):
            # the script runs in another folder, and must find the same Warp
            environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, paths.split(os.pathsep)))
        try:
            done = subprocess.run(
                [python, "-c", _AS_IT_IS, str(path)],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPRO_SECONDS,
                env=environment,
                cwd=folder,
                check=False,
                # Ctrl-C is for the campaign: a script that it ended would count as one that shows nothing
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return Ran(None, f"it did not end within {REPRO_SECONDS} s")
    said = _NO_DRIVER.sub("", done.stdout + done.stderr).replace(folder + os.sep, "")
    return Ran(done.returncode, _INSTALLED.sub("", said).strip())
