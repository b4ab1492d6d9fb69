"""What is said of a program that cannot be built or run: by Warp, the C++ compiler, the operating system."""

from __future__ import annotations

import os
import re
import traceback

from . import imported
from .frames import Frame

STDERR_TAIL = 8000
"""Characters kept of what a process printed last, and of the C++ compiler's errors before: the notes to one error of
a template can be longer than that."""

SECOND_TRY = "Warp: Compilation with PCH failed"
"""After this line the compiler says the same again."""

_ERROR = " error: "
"""What a line has in which the C++ compiler names a place and what is wrong there."""

_BUILD_FOLDER = re.compile(r"\b(?:cache|cuda)/(?:[^\s/]+/)*(?=wp_warpsmith_)")
_HEADER_FOLDER = re.compile(r"(?:(?<=from )|^)/[^\n:]*/(?=pch_gen\.cpp:)", re.MULTILINE)
"""The folder in which a process stood when it built the precompiled header, by which the header goes."""

_BUILD_NAME = re.compile(r"\b(?:wp_)?warpsmith_\d+(?:_[0-9a-f]{7})?\b")


def say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def refused_in(error: BaseException) -> str:
    """The innermost function of Warp that an exception came from, with its file."""
    own = os.path.dirname(imported.wp.__file__) + os.sep
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(own)]
    # comprehensions are functions of their own in some Pythons
    named = [frame for frame in frames if not frame.name.startswith("<")]
    return f"{os.path.basename(named[-1].filename)} {named[-1].name}" if named else ""


def _tail(path: str | None) -> str:
    """What a process printed to its standard error, from the end."""
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read().strip()
    except OSError:
        return ""
    text = text.split(SECOND_TRY)[0].strip()
    if len(text) <= STDERR_TAIL:
        return text
    before, end = text[:-STDERR_TAIL], text[-STDERR_TAIL:]
    errors = "\n".join(line for line in before.split("\n") if _ERROR in line)
    return f"{errors[:STDERR_TAIL]}\n[…] {end}".lstrip()


def with_output(message: str, log: str | None) -> str:
    output = _tail(log)
    return f"{message}\n{output}" if output else message


def same_every_time(message: str, folder: str) -> str:
    """A message without what differs between two builds of the same program: folders, hashes and process
    ids."""
    message = message.replace(folder + os.sep, "").replace(os.path.dirname(imported.wp.__file__) + os.sep, "warp/")
    message = _HEADER_FOLDER.sub("", message)
    return _BUILD_NAME.sub("module", _BUILD_FOLDER.sub("", message))


def failure(status: str, stage: str, message: str, launches: list[Frame] | None = None) -> Frame:
    return {"status": status, "stage": stage, "message": message, "launches": launches or []}
