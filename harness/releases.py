"""Published releases of Warp, each in an environment of its own.

Environments are kept below the user's cache folder, since installing a release takes a minute and 400 MB; they may
be deleted at any time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from filelock import FileLock

from harness.user_cache import user_cache
from harness.worker.imported import OLDEST_WARP

PACKAGE: Final = "warp-lang"
#: Time on the clock for pip to list releases, and to install one.
LIST_SECONDS: Final = 60
INSTALL_SECONDS: Final = 600
#: What a release is called, which names its folder too.
_VERSION: Final = re.compile(r"\d+(\.\d+)*[\w.+-]*")
#: The file that says that an environment is complete.
COMPLETE: Final = "complete"


class NoRelease(Exception):
    """Releases cannot be listed or installed; the message is for the person at the keyboard."""


def releases() -> list[str]:
    """The published releases that the engine runs on, the oldest first.

    Raises `NoRelease` without pip, or without a network.
    """
    said = _pip(["index", "versions", PACKAGE], LIST_SECONDS)
    found = re.search(r"^Available versions: (.+)$", said, re.MULTILINE)
    if found is None:
        raise NoRelease(f"pip lists no releases of {PACKAGE}")
    numbers = [version.strip() for version in found.group(1).split(",")]
    return sorted((v for v in numbers if _numbers(v)[:2] >= OLDEST_WARP), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def cache_folder() -> Path:
    """Where environments are kept."""
    found = user_cache("releases")
    if found is None:
        raise NoRelease("there is no home folder to keep environments in; set XDG_CACHE_HOME")
    return found


def is_installed(version: str, folder: Path | None = None) -> bool:
    """Whether the environment of a release is there already."""
    return ((cache_folder() if folder is None else folder) / version / COMPLETE).exists()


def interpreter(version: str, folder: Path | None = None) -> str:
    """The interpreter of an environment with a release of Warp and NumPy, which is made if need be.

    Raises `NoRelease` if it cannot be installed.
    """
    if not _VERSION.fullmatch(version):
        raise NoRelease(f"{version!r} is no release of {PACKAGE}; one is called like 1.14.0")
    place = (cache_folder() if folder is None else folder) / version
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(version + ".lock")):
            return _environment(place, version)
    except OSError as error:
        where = error.filename or place
        raise NoRelease(f"no environment can be made in {where}: {error.strerror or error}") from error


def _environment(place: Path, version: str) -> str:
    python = place / "bin" / "python"
    if (place / COMPLETE).exists():
        return str(python)
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=False)
    try:
        _pip(["--python", str(python), "install", "--quiet", f"{PACKAGE}=={version}", "numpy"], INSTALL_SECONDS)
    except NoRelease:
        shutil.rmtree(place, ignore_errors=True)
        raise
    (place / COMPLETE).touch()
    return str(python)


def _pip(arguments: Sequence[str], seconds: int) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise NoRelease(f"pip {arguments[0]} did not end within {seconds} s") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise NoRelease(f"pip cannot do it: {last[0]}")
    return done.stdout


class Seen(Enum):
    """What a script shows on a release; the value is for the person at the keyboard."""

    FAILS = "fails"
    FIXED = "does not fail"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Bisection:
    """What is known of the releases that have a defect.

    `first_bad` is the first release that fails of those that were tried, `last_good` the one before it in order that
    does not; None if there is none.  `tried` holds all that were run.
    """

    first_bad: str | None
    last_good: str | None
    tried: dict[str, Seen]

    @property
    def sentence(self) -> str:
        """For a report."""
        if self.first_bad is None:
            return "no release of those tried fails (" + ", ".join(self.tried) + ")."
        if self.last_good is None:
            return f"it fails on {self.first_bad}, the oldest that was tried, and since."
        return f"the first that fails is {self.first_bad}, the last that does not is {self.last_good}."


def bisect(versions: Sequence[str], show: Callable[[str], Seen]) -> Bisection:
    """The first of `versions`, in order, that fails, if the last one does and those before the first do not.

    A release on which the script cannot tell counts as one that does not fail, and is named in `tried`.
    """
    tried: dict[str, Seen] = {}

    def fails(position: int) -> bool:
        version = versions[position]
        if version not in tried:
            tried[version] = show(version)
        return tried[version] is Seen.FAILS

    if not versions or not fails(len(versions) - 1):
        return Bisection(None, versions[-1] if versions else None, tried)
    if fails(0):
        return Bisection(versions[0], None, tried)
    good, bad = 0, len(versions) - 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if fails(middle) else (middle, bad)
    known_good = [v for v in versions[: good + 1] if tried.get(v) is Seen.FIXED]
    return Bisection(versions[bad], known_good[-1] if known_good else None, tried)
