"""The journal of a corpus: how far each campaign has come, and which records are about to be added."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from corpus.record import DamagedCorpus

JOURNAL: Final = "campaigns.jsonl"


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a campaign has come: the next index to commit, its verified pairs, and its counters.

    `counters` hold, for each category, how often each outcome occurred; `stale` is the number of programs since
    the last one that gave a new pair.  `unreduced` are failures before `next` of which there is no report yet, each by
    its index, with the manner in which it fails.
    """

    next: int = 0
    verified: int = 0
    counters: dict[str, dict[str, int]] = {}
    stale: int = 0
    unreduced: tuple[tuple[int, str], ...] = ()

    def copy(self) -> Progress:
        """The same with counters of its own, since the caller may go on counting in the ones it gave."""
        counters = {category: dict(counts) for category, counts in self.counters.items()}
        return Progress(self.next, self.verified, counters, self.stale, self.unreduced)


class Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="event", tag="begin"):
    """The records about to be added: by shard, where the file ends and the ids that follow."""

    campaign: str
    sizes: dict[str, int]
    ids: dict[str, tuple[str, ...]]


class Commit(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="event", tag="commit"
):
    """What a campaign has come to, and the size in bytes of every shard's file."""

    campaign: str
    next: int
    verified: int
    counters: dict[str, dict[str, int]]
    sizes: dict[str, int]
    stale: int = 0
    unreduced: tuple[tuple[int, str], ...] = ()

    @property
    def progress(self) -> Progress:
        """How far the campaign has come."""
        return Progress(self.next, self.verified, self.counters, self.stale, self.unreduced)


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Begin | Commit)


def encode_event(event: Begin | Commit) -> bytes:
    """The line of `event`, with its newline."""
    return _encoder.encode(event) + b"\n"


class Journal:
    """The journal as read: the last commit of each campaign, and where its lines end."""

    def __init__(self, path: Path) -> None:
        self._last: dict[str, Commit] = {}
        #: How many whole entries there are.
        self.entries = 0
        #: What was begun last and never acknowledged, and where its line begins.
        self.unfinished: Begin | None = None
        self.unfinished_at = 0
        #: Where the complete lines end.
        self.end = 0
        #: Whether a line follows that breaks off.
        self.torn = False
        #: Whether the last line is whole but for its newline.
        self.bare = False
        if not path.exists():
            return
        with path.open("rb") as lines:
            for line in lines:
                self._add(line)

    def _add(self, line: bytes) -> None:
        complete = line.endswith(b"\n")
        try:
            event = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if not complete:
                self.torn = True
                return
            raise DamagedCorpus(f"{JOURNAL}, line {self.entries + 1}: not an entry of the journal: {error}") from error
        begun = self.unfinished
        if begun is not None and not (isinstance(event, Commit) and event.campaign == begun.campaign):
            raise DamagedCorpus(f"{JOURNAL}, line {self.entries}: what was begun here was never finished")
        if isinstance(event, Commit):
            self._last.pop(event.campaign, None)
            self._last[event.campaign] = event
            self.unfinished = None
        else:
            self.unfinished, self.unfinished_at = event, self.end
        self.entries += 1
        self.end += len(line)
        self.bare = not complete

    @property
    def commits(self) -> list[Commit]:
        """The last commit of each campaign, the latest last."""
        return list(self._last.values())

    @property
    def acknowledged(self) -> dict[str, int]:
        """The bytes of each shard's file that were acknowledged last."""
        commits = self.commits
        return commits[-1].sizes if commits else {}
