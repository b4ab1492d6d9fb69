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

from harness.sandbox import Sandbox

#: Warp's folder of C++ headers.
HEADERS: Final = "native"
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


def copy_warp(to: Path, own_headers: bool = True) -> Path:
    """Copy the installed Warp below `to`, which is what to put on PYTHONPATH; returns the package's folder.

    Folders are real, since Warp finds its headers by the resolved path of its own files; the big libraries in `bin` are
    links.  Without `own_headers`, for a copy in which none is changed, so is the folder of the C++ headers: what was
    made of them for the installed Warp serves the copy too.
    """

    def left_out(folder: str, names: list[str]) -> set[str]:
        more = () if own_headers or Path(folder) != installed_warp() else (HEADERS,)
        return {*_LEFT_OUT(folder, names), *more}

    def copy_file(source: str, target: str) -> str:
        if Path(source).parent.name == "bin":
            Path(target).symlink_to(source)
        else:
            shutil.copyfile(source, target)
        return target

    copy = Path(shutil.copytree(installed_warp(), to / "warp", ignore=left_out, copy_function=copy_file))
    if not own_headers:
        (copy / HEADERS).symlink_to(installed_warp() / HEADERS)
    return copy


def plant(folder: Path, defects: Sequence[Defect]) -> Path:
    """Copy Warp into `folder`, with `defects`; returns what to put on PYTHONPATH.

    Raises:
        ValueError: a pattern does not match exactly once.
    """
    copy = copy_warp(folder, own_headers=any(Path(defect.file).parts[0] == HEADERS for defect in defects))
    for defect in defects:
        path = copy / defect.file
        path.write_text(defect.planted(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


@contextlib.contextmanager
def sandbox_with(folder: Path, defects: Sequence[Defect]) -> Iterator[Sandbox]:
    """A sandbox whose Warp, which is copied into `folder`, has `defects`."""
    kept = dict(os.environ)
    ours = {"PYTHONPATH": str(plant(folder, defects)), "WARP_CACHE_PATH": str(folder / "cache")}
    os.environ.update(ours, PYTHONDONTWRITEBYTECODE="1")
    try:
        with Sandbox(python=sys.executable) as sandbox:
            yield sandbox
    finally:
        os.environ.clear()
        os.environ.update(kept)
