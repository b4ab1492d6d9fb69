"""What a machine may lack, which is no fault of a program: room for temporary files, and memory."""

from __future__ import annotations

import errno
import os
import tempfile

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where there is no room left for a file, or no more than somebody may use."""

ROOM_BYTES = 8 << 20
"""What a batch needs for its files: 5 MB for a precompiled header, some for texts and object files.  Where less is to
be had, a compiler may fail for that, and its words are lost with the log, for which there is no room either."""


class Exhausted(Exception):
    """The machine lacks something; the message is a sentence for the person at the keyboard."""


def no_room(place: str) -> str:
    """The sentence for a folder of temporary files that is full."""
    return f"there is no room left in {place}: make some, or set TMPDIR to another folder"


def lacking(error: BaseException, place: str) -> str | None:
    """What the machine lacked by an error, or by one that it came of, in a sentence; None if nothing.

    `place` is the folder of temporary files.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return "there is no memory left: use fewer --workers, or end other programs"
        if isinstance(cause, OSError) and cause.errno in NO_ROOM:
            return no_room(place)
        cause = cause.__cause__ or cause.__context__
    return None


def full(place: str, said: str) -> str | None:
    """That there is no room left in `place`, in a sentence, if the compiler `said` so or it is so; None otherwise."""
    return no_room(place) if any(os.strerror(number) in said for number in NO_ROOM) or not _has_room(place) else None


def require_machine(error: Exception, folder: str, said: str | None = None) -> None:
    """Raise `Exhausted` if an error over a batch is that the machine lacks something, or a compiler `said` so."""
    place = place_of(folder)
    lack = lacking(error, place)
    if lack is None and said is not None:
        lack = full(place, said)
    if lack is not None:
        raise Exhausted(lack) from error


def _has_room(place: str) -> bool:
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        # a file system that cannot promise room says nothing of it
        return error.errno not in NO_ROOM
    return True


def place_of(folder: str) -> str:
    """Where the temporary files are of which a batch has a folder: around that of the worker."""
    return os.path.dirname(os.path.dirname(folder))
