"""How a campaign stands while it runs, and what came of it in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

#: The exit status if warpsmith itself broke.
BROKEN: Final = 3


class StopReason(Enum):
    """Why a campaign ended; the value is the sentence for the person at the keyboard."""

    COUNT = "the campaign has as many pairs as were asked for"
    SECONDS = "the time is up"
    STALE = "no new pair has come for as many programs as were allowed"
    FAILURE = "a new failure was found"
    INTERRUPTED = "it was interrupted; everything up to here is saved"


@dataclass
class Found:
    """A bug that failures of this run came down to.

    `known` is the id of the known issue that it is, if it is one; `path` is the folder of the saved case.
    """

    bucket: str
    kind: str
    known: str | None
    path: Path | None
    hits: int = 1
    #: whether its own script, in a fresh process, does not reproduce it: then it is no finding
    unreproduced: bool = False
    #: from the moment a worker told of the failure to its stored report; None if there is none of this run
    seconds: float | None = None

    @property
    def new(self) -> bool:
        """Whether it is no known issue, and not unreproduced."""
        return self.known is None and not self.unreproduced


@dataclass(frozen=True)
class Snapshot:
    """How a campaign stands; a `Summary` without what only its end shows.

    Counts are of the whole campaign, but for `added` and `new_draws`, which are of this run.
    """

    seconds: float
    draws: int
    new_draws: int
    verified: int
    added: int
    counts: Mapping[str, int]
    known: Mapping[str, int]
    failures: Sequence[Found]
    wanted: int | None
    #: programs since the last new pair, and how many may come before the campaign ends
    stale: int
    stale_allowed: int | None
    seconds_left: float | None

    def count(self, what: str) -> int:
        """How many programs ended so."""
        return self.counts.get(what, 0)

    def share(self, what: str) -> float:
        """The share of programs that ended so."""
        return self.count(what) / self.draws if self.draws else 0.0

    @property
    def rate(self) -> float:
        """New pairs a second."""
        return self.added / self.seconds if self.seconds > 0 else 0.0

    @property
    def new_failures(self) -> list[Found]:
        """The failures that are no known issue, and not unreproduced."""
        return [found for found in self.failures if found.new]


@dataclass(frozen=True)
class Summary(Snapshot):
    """What came of a campaign."""

    stop_reason: StopReason = StopReason.COUNT
    #: failures of this run that were not made small, for others of the same manner had been
    unreduced: int = 0
    #: programs of this run over which warpsmith itself broke
    broken: int = 0
    #: of each probe of a hunt: how many programs it was tried on, and on how many it counted
    probed: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """`BROKEN` if warpsmith itself broke over a program, else 1 if there is a new failure, else 0."""
        return BROKEN if self.broken else int(bool(self.new_failures))
