"""What crosses the pipes: length-prefixed pickles, and what is known of a batch from those that arrived."""

from __future__ import annotations

import os
import pickle
import select
import struct
import time
from collections.abc import Callable
from typing import Any

PICKLE_PROTOCOL = 4
"""Every interpreter since Python 3.8 reads it."""

Frame = dict[str, Any]
Emit = Callable[[Frame], None]


class OutOfTime(Exception):
    """No whole frame came before the deadline."""


class Abandoned(Exception):
    """The process on the other side of the watched pipe is gone."""


def write_frame(descriptor: int, frame: Frame) -> None:
    """Write one frame, whole, to a pipe."""
    body = pickle.dumps(frame, protocol=PICKLE_PROTOCOL)
    view = memoryview(struct.pack(">Q", len(body)) + body)
    while view:
        view = view[os.write(descriptor, view) :]


class FrameReader:
    """Reads frames from a pipe, by a deadline if need be."""

    def __init__(self, descriptor: int, watch: int | None = None) -> None:
        """`watch` is a second pipe that nobody writes to meanwhile: when its writer goes, reading raises
        `Abandoned`."""
        self._descriptor = descriptor
        self._watch = watch
        self._buffer = bytearray()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        if watch is not None:
            self._poll.register(watch, 0)

    def read(self, deadline: float | None = None) -> Frame | None:
        """The next frame, or None at the end of the pipe. `deadline` is a `time.monotonic()`."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            wait = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            events = self._poll.poll(wait)
            if not events:
                raise OutOfTime
            if any(descriptor == self._watch for descriptor, _ in events):
                raise Abandoned
            chunk = os.read(self._descriptor, 1 << 20)
            if not chunk:
                return None
            self._buffer += chunk

    def _take(self) -> Frame | None:
        if len(self._buffer) < 8:
            return None
        (length,) = struct.unpack_from(">Q", self._buffer)
        if len(self._buffer) < 8 + length:
            return None
        frame: Frame = pickle.loads(bytes(self._buffer[8 : 8 + length]))
        del self._buffer[: 8 + length]
        return frame


class Tally:
    """What is known of a batch from the frames that arrived, however it ended."""

    def __init__(self, count: int) -> None:
        self.results: list[Frame | None] = [None] * count
        self.texts: dict[str, str] = {}
        self.stage = "start"
        self.index: int | None = None
        self.failed: Frame | None = None
        self.broken: str | None = None
        self.lacking: str | None = None
        self.done = False

    @property
    def over(self) -> bool:
        """Whether no more frames come."""
        return self.done or self.broken is not None or self.lacking is not None

    def add(self, frame: Frame) -> None:
        if "stage" in frame:
            self.stage, self.index = frame["stage"], frame["index"]
        elif "result" in frame:
            self.results[frame["result"]] = frame["value"]
        elif "text" in frame:
            self.texts[frame["text"]] = frame["value"]
        elif "failed" in frame:
            self.failed = frame["failed"]
        elif "broken" in frame:
            self.broken = frame["broken"]
        elif "lacking" in frame:
            self.lacking = frame["lacking"]
        elif "done" in frame:
            self.done = True

    def reply(self, ending: tuple[str, str] | None) -> Frame:
        """One answer for the batch. `ending` is how its process died: ("crash" or "hang", a sentence), or
        None."""
        if self.lacking is not None:
            return {"lacking": self.lacking}
        if self.broken is not None:
            return {"error": "the worker broke:\n" + self.broken}
        if ending is None and not self.done:
            ending = ("crash", "the process ended without a word")
        alone = len(self.results) == 1
        if self.failed is not None:
            self.results = [{"status": "batch-failed", "launches": [], **self.failed}] * len(self.results)
        elif ending is not None and not self.done:
            status, message = ending
            verdict: Frame = {"status": status, "stage": self.stage, "message": message, "launches": []}
            if alone:
                self.results = [verdict]
            elif self.index is not None:
                self.results[self.index] = verdict
            else:
                verdict["status"] = "batch-failed"
                self.results = [verdict] * len(self.results)
        lost: Frame = {"status": "lost", "stage": self.stage, "message": "", "launches": []}
        return {
            "results": [dict(lost) if result is None else result for result in self.results],
            "cpp": self.texts.get("cpp"),
            "cuda": self.texts.get("cuda"),
            "code": self.texts.get("code"),
        }
