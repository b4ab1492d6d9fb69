"""The command `warpsmith`: one file a subcommand.

Exit status: 0 all is well, 1 the command found what it looks for (a new failure, a record that is not as it was
stored), 2 bad usage or a folder that cannot be used, 3 the program itself broke, 130 and 143 it was interrupted or
terminated.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer

from corpus.files import NO_ROOM
from corpus.record import CorpusError
from harness.campaign.pairs import own_version
from harness.campaign.summary import BROKEN
from harness.campaign.workers import WorkerBroke
from harness.commands.bisect import bisect_command
from harness.commands.card import card
from harness.commands.coverage import coverage
from harness.commands.export import export
from harness.commands.extract import extract
from harness.commands.grow import grow
from harness.commands.hunt import hunt
from harness.commands.merge import merge
from harness.commands.rebuild import rebuild
from harness.commands.replay import replay
from harness.commands.report import report
from harness.commands.score import score
from harness.commands.shared import BadUsage
from harness.commands.show import show
from harness.commands.shrink import shrink
from harness.commands.stats import stats
from harness.commands.verify import verify
from harness.cpp.generated_code import CompilerNotFound
from harness.page.browser import BrowserNotFound
from harness.releases import NoRelease
from harness.sandbox import SandboxError
from harness.triage import LedgerError
from strategies.stream import UnknownCategory

NOTHING_NEW: Final = 0
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143

DEBUG: Final = "--debug"
DEBUG_VARIABLE: Final = "WARPSMITH_DEBUG"

#: What the person at the keyboard can put right; the message of each is a sentence.
_USAGE: Final = (
    BadUsage,
    BrowserNotFound,
    CompilerNotFound,
    CorpusError,
    LedgerError,
    NoRelease,
    SandboxError,
    UnknownCategory,
)
#: Click's own, which Typer brings along under one name or another.
_CLICK: Final[type[Exception]] = typer.BadParameter.__mro__[2]

app = typer.Typer(name="warpsmith", add_completion=False, no_args_is_help=True, rich_markup_mode=None)
for _command in (
    grow,
    hunt,
    replay,
    shrink,
    verify,
    rebuild,
    export,
    card,
    report,
    score,
    stats,
    show,
    coverage,
    merge,
    extract,
):
    app.command()(_command)
app.command("bisect")(bisect_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"warpsmith {own_version()}")
        raise typer.Exit


@app.callback()
def _main(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks; anywhere on the line.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Writes kernels for NVIDIA Warp, proves what Warp makes of them, and keeps the proof."""


def main() -> NoReturn:
    """The command as a program; SIGTERM ends it as Ctrl-C does, so that no process or temporary file is left."""
    ends: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        ends.append(TERMINATED)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding has no letters for is shown all the same, as on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    status = run(sys.argv[1:])
    sys.exit(ends[0] if ends and status == INTERRUPTED else status)


def run(arguments: Sequence[str]) -> int:
    """The command, and its exit status."""
    debug = DEBUG in arguments or os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
    try:
        status = app([a for a in arguments if a != DEBUG], standalone_mode=False, prog_name="warpsmith")
        sys.stdout.flush()
    except _CLICK as error:
        return _complain(getattr(error, "format_message", error.__str__)(), debug)
    except _USAGE as error:
        return _complain(str(error), debug)
    except (KeyboardInterrupt, typer.Abort):
        # Typer may have answered it itself, with this status.
        status = INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except SystemExit as end:
        # So Click answers a broken pipe, with the status of a new failure.
        if isinstance(end.__context__, BrokenPipeError):
            return _unread()
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return _complain(f"there is no room left to write to: {error}", debug)
        return _confess(error, debug)
    if status == INTERRUPTED:
        print("warpsmith: interrupted", file=sys.stderr)
    return status if isinstance(status, int) else NOTHING_NEW


def _unread() -> int:
    """The status when whoever read the output, `head` for instance, has had enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return NOTHING_NEW


def _complain(sentence: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"warpsmith: {sentence.strip()}", file=sys.stderr)
    return BAD_USAGE


def _confess(error: Exception, debug: bool) -> int:
    said = str(error) if isinstance(error, WorkerBroke) else f"{type(error).__name__}: {error}"
    print(f"warpsmith: this should not have happened: {said.strip()}", file=sys.stderr)
    if debug:
        traceback.print_exc()
        print(getattr(error, "trace", ""), file=sys.stderr)
        print("please report this", file=sys.stderr)
    else:
        print(f"please report this, with what {DEBUG} adds to it", file=sys.stderr)
    return BROKEN
