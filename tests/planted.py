"""Copies of the installed Warp with defects planted in them, and sandboxes that run them."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.sandbox import Sandbox

#: What running kernels does not need.
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "tests", "examples")


@dataclass(frozen=True)
class Defect:
    """A replacement in one file of Warp: `pattern` is a regular expression that must match there once."""

    file: str
    pattern: str
    replacement: str


def installed_warp() -> Path:
    """The folder of the Warp that the tests use."""
    found = importlib.util.find_spec("warp")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def plant(folder: Path, defects: Sequence[Defect]) -> Path:
    """Copy Warp into `folder`, with `defects`; returns what to put on PYTHONPATH.

    Folders are real, since Warp finds its headers by the resolved path of its own files; the big libraries in
    `bin` are links.
    """
    source, copy = installed_warp(), folder / "warp"

    def copy_file(path: str, to: str) -> str:
        if Path(path).parent.name == "bin":
            Path(to).symlink_to(path)
        else:
            shutil.copyfile(path, to)
        return to

    shutil.copytree(source, copy, ignore=_LEFT_OUT, copy_function=copy_file)
    for defect in defects:
        path = copy / defect.file
        text, count = re.subn(defect.pattern, lambda match, d=defect: match.expand(d.replacement), path.read_text())
        assert count == 1, f"{defect.pattern!r} occurs {count} times in {defect.file}"
        path.write_text(text)
    return folder


@contextlib.contextmanager
def sandbox_with(folder: Path, defects: Sequence[Defect], cpu_seconds: float = 10.0) -> Iterator[Sandbox]:
    """A sandbox whose Warp has `defects`."""
    tree = plant(folder, defects)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tree))
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        patch.setenv("WARP_CACHE_PATH", str(folder / "cache"))
        with Sandbox(python=sys.executable, cpu_seconds=cpu_seconds) as sandbox:
            yield sandbox
