"""Copies of the installed Warp, in which files can be changed: defects are planted there."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Final

#: What running kernels does not need.
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "tests", "examples")


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
