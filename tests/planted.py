"""Copies of the installed Warp with defects planted in them, and sandboxes that run them."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.shrink import size
from harness.warp_copy import copy_warp
from strategies.language.nodes import Program

#: ``i = wp.tid()`` and ``out[i] = …``: what every kernel has.
BARE = 6


@dataclass(frozen=True)
class Defect:
    """A replacement in one file of Warp: `pattern` is a regular expression that must match there once."""

    file: str
    pattern: str
    replacement: str


def beyond_bare(program: Program) -> int:
    """The nodes of a reduced program that are there for its defect."""
    return size(program) - BARE


def plant(folder: Path, defects: Sequence[Defect]) -> Path:
    """Copy Warp into `folder`, with `defects`; returns what to put on PYTHONPATH."""
    copy = copy_warp(folder)
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
