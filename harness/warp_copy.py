"""Copies of the installed Warp, in which files can be changed: defects are planted there."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.sandbox import CPU_SECONDS, Sandbox

#: What running kernels does not need.
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "tests", "examples")


@dataclass(frozen=True)
class Defect:
    """A replacement in one file of Warp: `pattern` is a regular expression that must match there once."""

    file: str
    pattern: str
    replacement: str

    def planted(self, text: str) -> str:
        """The text of the file, with the defect.

        Raises:
            ValueError: the pattern does not match exactly once.
        """
        found, count = re.subn(self.pattern, lambda match: match.expand(self.replacement), text)
        if count != 1:
            raise ValueError(f"{self.pattern!r} occurs {count} times in {self.file}")
        return found


def installed_warp() -> Path:
    """The folder of the Warp that this interpreter imports, which must have one."""
    found = importlib.util.find_spec("warp")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def copy_warp(to: Path) -> Path:
    """Copy the installed Warp below `to`, which is what to put on PYTHONPATH; returns the package's folder.

    Folders are real, since Warp finds its headers by the resolved path of its own files; the big libraries in
    `bin` are links.
    """

    def copy_file(source: str, target: str) -> str:
        if Path(source).parent.name == "bin":
            Path(target).symlink_to(source)
        else:
            shutil.copyfile(source, target)
        return target

    return Path(shutil.copytree(installed_warp(), to / "warp", ignore=_LEFT_OUT, copy_function=copy_file))


def plant(folder: Path, defects: Sequence[Defect]) -> Path:
    """Copy Warp into `folder`, with `defects`; returns what to put on PYTHONPATH.

    Raises:
        ValueError: a pattern does not match exactly once.
    """
    copy = copy_warp(folder)
    for defect in defects:
        path = copy / defect.file
        path.write_text(defect.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


@contextlib.contextmanager
def sandbox_with(folder: Path, defects: Sequence[Defect], cpu_seconds: float = CPU_SECONDS) -> Iterator[Sandbox]:
    """A sandbox whose Warp, which is copied into `folder`, has `defects`."""
    kept = dict(os.environ)
    ours = {"PYTHONPATH": str(plant(folder, defects)), "WARP_CACHE_PATH": str(folder / "cache")}
    os.environ.update(ours, PYTHONDONTWRITEBYTECODE="1")
    try:
        with Sandbox(python=sys.executable, cpu_seconds=cpu_seconds) as sandbox:
            yield sandbox
    finally:
        os.environ.clear()
        os.environ.update(kept)
