"""The C++ compiler's precompiled headers: kept when Warp deletes them, and shared with the workers that come later.

A header takes three seconds of CPU time and holds nothing of any kernel: it depends on Warp, on the compiler's options,
which its name tells, and on the machine.  So a worker leaves what it made in a folder of the user's, where the next one
finds it.  All of that may be deleted at any time, and nothing fails for want of it.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import importlib
import os
import platform
import shutil
import tempfile
from typing import Any

from . import imported

MOST_FILES = 8
"""Headers of one Warp that are shared, 5 MB each; the one that was used longest ago goes first."""

MOST_WARPS = 4
"""Copies of Warp whose headers are shared."""

_ENDING = ".pch"


class Headers:
    """The headers that a worker has in the folders that Warp made for them, all below `root`.

    Args:
        root: the worker's own folder.
        shared: the folder in which workers leave headers for others; None for none.
    """

    def __init__(self, root: str, shared: str | None) -> None:
        self._root = root
        self._kept = os.path.join(root, "headers")
        #: those that have a second name
        self._found: set[str] = set()
        #: the names in the shared folder, by those that Warp gave
        self._fetched: dict[str, str] = {}
        self._base = shared

    @functools.cached_property
    def _shared(self) -> str | None:
        try:
            return None if self._base is None else os.path.join(self._base, _of_this_warp())
        except OSError:
            # somebody is installing another Warp in its place
            return None

    def fetch(self, block_dim: int, level: int | None) -> None:
        """Put the shared headers for blocks of that size where Warp looks for them.

        Those for that optimization level, or for any if it is Warp's own choice.
        """
        folder = _folder_of_warp()
        if self._shared is None or folder is None:
            return
        wanted = {f"bd{block_dim}", *(() if level is None else (f"o{level}",))}
        for path in glob.glob(os.path.join(glob.escape(self._shared), "*" + _ENDING)):
            name, _, digest = os.path.basename(path).removesuffix(_ENDING).rpartition("-")
            if not wanted.issubset(name.split("_")):
                continue
            target = os.path.join(folder, name + _ENDING)
            with contextlib.suppress(OSError):
                if os.path.exists(target):
                    continue
                if _digest(path) != digest:
                    os.remove(path)
                    continue
                second_name(path, target)
                self._fetched[target] = path
                os.utime(path)
                os.utime(self._shared)

    def unfit(self) -> bool:
        """Forget shared headers that Warp has deleted, since nothing compiles with them; whether there are any."""
        unfit = [target for target in self._fetched if not os.path.exists(target)]
        for target in unfit:
            self._found.discard(target)
            for path in (self._fetched.pop(target), self._copy_of(target)):
                with contextlib.suppress(OSError):
                    os.remove(path)
        return bool(unfit)

    def keep(self) -> None:
        """Give each header a second name, and the first one back if Warp has deleted it.

        It does so whenever a module does not compile, which then costs every batch that follows a second.
        """
        os.makedirs(self._kept, exist_ok=True)
        for path in glob.glob(os.path.join(self._root, "wp_pch_*", "*" + _ENDING)):
            if path not in self._found:
                self._found.add(path)
                self._share(path)
        for path in self._found:
            copy = self._copy_of(path)
            with contextlib.suppress(OSError):
                if not os.path.exists(copy):
                    os.link(path, copy)
                elif not os.path.exists(path):
                    os.link(copy, path)

    def _copy_of(self, path: str) -> str:
        """The second name of a header."""
        return os.path.join(self._kept, os.path.relpath(path, self._root).replace(os.sep, "-"))

    def _share(self, path: str) -> None:
        if self._shared is None or path in self._fetched:
            return
        with contextlib.suppress(OSError):
            os.makedirs(self._shared, mode=0o700, exist_ok=True)
            name = os.path.basename(path).removesuffix(_ENDING)
            second_name(path, os.path.join(self._shared, f"{name}-{_digest(path)}{_ENDING}"))
            os.utime(self._shared)
            remove_all_but(MOST_FILES, os.path.join(glob.escape(self._shared), "*"))
            remove_all_but(MOST_WARPS, os.path.join(glob.escape(self._base or ""), "*"))


def _folder_of_warp() -> str | None:
    """Where Warp looks for headers in this thread; None for a release that does not tell."""
    try:
        runtime: Any = importlib.import_module("warp._src.context").runtime
        return str(runtime.get_clang_pch_dir())
    except (ImportError, AttributeError):
        return None


def _of_this_warp() -> str:
    """A name for all on which headers depend beside the compiler's options: Warp's files, and the processor."""
    warp = os.path.dirname(os.path.realpath(imported.wp.__file__))
    found = hashlib.blake2b(platform.machine().encode(), digest_size=12)
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        facts = [line for line in file if line.startswith(("model name", "flags", "Features"))]
        found.update("".join(sorted(set(facts))).encode())
    native = os.path.realpath(os.path.join(warp, "native"))
    found.update(native.encode())
    for folder in (native, os.path.join(warp, "bin")):
        for inner, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                about = os.stat(os.path.join(inner, name))
                found.update(f"{name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.blake2b(file.read(), digest_size=12).hexdigest()


def second_name(path: str, target: str) -> None:
    """Let a file be found as `target` too, whole or not at all: by a copy where it cannot have two names."""
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        number, unfinished = tempfile.mkstemp(dir=os.path.dirname(target))
        os.close(number)
        try:
            shutil.copyfile(path, unfinished)
            os.replace(unfinished, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(unfinished)


def remove_all_but(count: int, pattern: str) -> None:
    """Remove what was used longest ago of the files or folders, but for `count`."""
    dated = []
    for path in glob.glob(pattern):
        with contextlib.suppress(OSError):
            dated.append((os.stat(path).st_mtime, path))
    for _, path in sorted(dated, reverse=True)[count:]:
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
