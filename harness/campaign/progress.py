"""What a person sees of a campaign while it runs: a live display on a terminal, plain lines in a pipe.

All of it goes to standard error; standard output is for results.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from harness.campaign.summary import Snapshot

PLAIN_SECONDS: Final = 5.0
"""Between two lines, where nobody watches."""

LIVE_SECONDS: Final = 0.25
"""Between two pictures: more would only flicker."""


class Progress(Protocol):
    """A display, used as a context manager."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, sentence: str) -> None:
        """Show a sentence that stays."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how the campaign stands, if it is time to."""


def progress() -> Progress:
    """The display that suits standard error."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


class PlainProgress:
    """A line every few seconds."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, sentence: str) -> None:
        """Show a sentence that stays."""
        print(sentence, file=sys.stderr, flush=True)

    def show(self, snapshot: Snapshot) -> None:
        """Show how the campaign stands, if it is time to."""
        if time.monotonic() - self._shown >= PLAIN_SECONDS:
            self._shown = time.monotonic()
            self.say(", ".join(f"{name} {value}" for name, value in _figures(snapshot)))


class LiveProgress:
    """A table that is drawn over itself."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        # Without its own refreshing, which would be a thread.
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._shown = 0.0

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def show(self, snapshot: Snapshot) -> None:
        """Show how the campaign stands, if it is time to."""
        if time.monotonic() - self._shown >= LIVE_SECONDS:
            self._shown = time.monotonic()
            self._live.update(_table(snapshot), refresh=True)


def _figures(snapshot: Snapshot) -> list[tuple[str, str]]:
    wanted = "" if snapshot.wanted is None else f" of {snapshot.wanted}"
    figures = [
        ("verified", f"{snapshot.verified}{wanted}"),
        ("pairs/s", f"{snapshot.rate:.1f}"),
        ("inconclusive", f"{snapshot.count('inconclusive')}"),
        ("known issues", f"{sum(snapshot.known.values())}"),
        ("new failures", f"{len(snapshot.new_failures)}"),
        ("elapsed", f"{snapshot.seconds:.0f} s"),
    ]
    if snapshot.stale_allowed is not None:
        figures.append(("since the last pair", f"{snapshot.stale} of {snapshot.stale_allowed} draws"))
    if snapshot.seconds_left is not None:
        figures.append(("left", f"{snapshot.seconds_left:.0f} s"))
    return figures


def _table(snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for name, value in _figures(snapshot):
        table.add_row(name, value)
    if snapshot.wanted:
        table.add_row("", ProgressBar(total=snapshot.wanted, completed=snapshot.verified, width=40))
    return table
