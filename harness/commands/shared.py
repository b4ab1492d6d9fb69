"""What several commands share: options, places, and how a campaign is run and summed up."""

from __future__ import annotations

import importlib.metadata
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import corpus
from corpus.checking import is_corpus, require_corpus
from corpus.files import explained
from corpus.record import CorpusError, Record
from harness.campaign.campaign import Campaign
from harness.campaign.progress import Progress
from harness.campaign.summary import Summary
from strategies.categories import CATEGORIES

DEFAULT_CORPUS: Final = Path("warpsmith-corpus")
"""In the current folder, so that nothing is written where nobody looks."""


class BadUsage(Exception):
    """The command cannot do what it was asked; the message is a sentence."""


Category = Annotated[
    list[str] | None,
    typer.Option(
        "--category",
        "-c",
        metavar="NAME",
        help=f"A category of kernels; more than once for several. All if left out: {', '.join(CATEGORIES)}.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Which kernels, and which inputs.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0, help="Stop after so long.")]
Workers = Annotated[
    int | None, typer.Option("--workers", "-w", min=1, help="Processes; one a core if left out, at most 8.")
]
CheckCuda = Annotated[
    bool, typer.Option("--check-cuda", help="Compile each kernel's CUDA text too, for sm_90; no GPU needed.")
]
ShrinkSeconds = Annotated[
    float | None,
    typer.Option("--shrink-seconds", min=0, help="Time for reducing one failure; 30, in a hunt 10, if left out."),
]
Shrinks = Annotated[
    int | None, typer.Option("--shrinks", min=0, help="Failures that are reduced at most; any number if left out.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object last on standard output.")]
Corpus = Annotated[Path | None, typer.Option("--corpus", help="The folder of the corpus.")]


@contextmanager
def needs_dataset_extra() -> Iterator[None]:
    """Says what to install if something imported here is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadUsage(f"this needs {error.name}: pip install 'warpsmith[dataset]' brings it") from None


def existing_corpus(given: Path | None) -> Path:
    """The folder to read: the one given, else the default one, else the one that comes with a checkout."""
    if given is not None:
        with explained(given):
            require_corpus(given)
        return given
    if DEFAULT_CORPUS.is_dir():
        return DEFAULT_CORPUS
    own = Path(corpus.__file__).parent
    if is_corpus(own):
        return own
    raise CorpusError(f"there is no folder {DEFAULT_CORPUS} here; say which with --corpus")


def of_installed_warp(record: Record, why: str) -> Record:
    """`record`, if the installed Warp is the one that generated it; `why` says what it is needed for."""
    installed = importlib.metadata.version("warp-lang")
    if record.provenance.warp != installed:
        own = f"{record.type} {record.id[:12]} was made by Warp {record.provenance.warp}"
        raise BadUsage(f"{own} and {installed} is installed: {why}")
    return record


@contextmanager
def _interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for an end rather than enforce one."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_campaign(campaign: Campaign, display: Progress) -> Summary:
    """Run a campaign in front of a person, who may interrupt it."""
    with _interruptible(campaign.interrupt):
        return campaign.run(display.show)


def say(sentence: str) -> None:
    """Tell the person at the keyboard."""
    print(sentence, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """`value`, as the one JSON object on standard output."""
    print(json.dumps(value), flush=True)


def as_json(summary: Summary) -> dict[str, Any]:
    """A summary as the JSON object that `--json` promises."""
    return {
        "verified": summary.verified,
        "added": summary.added,
        "forward_only": summary.count("forward"),
        "inconclusive": summary.count("inconclusive"),
        "invalid": summary.count("invalid"),
        "discarded": summary.count("discarded"),
        "duplicates": summary.count("duplicate"),
        "too_large": summary.count("too large"),
        "broken": summary.count("broken"),
        "failures": [
            {
                "bucket": found.bucket,
                "kind": found.kind,
                "known": found.known,
                "path": None if found.path is None else str(found.path),
                "hits": found.hits,
                "seconds_to_report": None if found.seconds is None else round(found.seconds, 3),
            }
            for found in summary.failures
            if not found.unreproduced
        ],
        "unreproduced": [found.bucket for found in summary.failures if found.unreproduced],
        "unreduced": summary.unreduced,
        "probes": {name: {"tried": tried, "counted": n} for name, (tried, n) in summary.probed.items()},
        "known": dict(sorted(summary.known.items())),
        "seconds": round(summary.seconds, 3),
        "stop_reason": summary.stop_reason.name.lower(),
        "draws": summary.draws,
        "rates": {
            "pairs_per_second": round(summary.rate, 3),
            "draws_per_second": round(summary.new_draws / summary.seconds if summary.seconds else 0.0, 3),
            **{
                what.replace("duplicate", "duplicates"): round(summary.share(what), 5)
                for what in ("discarded", "duplicate", "inconclusive")
            },
        },
    }


def sum_up(summary: Summary) -> None:
    """A summary in words."""
    others = [
        f"{summary.count(what)} {what} ({summary.share(what):.1%})"
        for what in ("inconclusive", "duplicate", "discarded")
    ]
    for what in ("invalid", "lacking", "too large", "broken"):
        if summary.count(what):
            others.append(f"{summary.count(what)} {what}")
    say(f"Stopped: {summary.stop_reason.value}.")
    say(
        f"{summary.verified} verified ({summary.added} of them in this run, {summary.rate:.1f} a second; "
        f"{summary.count('forward')} forward only) from {summary.draws} draws: {', '.join(others)}."
    )
    for name, (tried, counted) in summary.probed.items():
        say(f"probe {name}: {tried} programs, {counted} of which it built or wrote otherwise")
    for name, hits in sorted(summary.known.items()):
        say(f"known issue {name}: {hits}")
    for found in summary.new_failures:
        say(f"new failure: {found.bucket} ({found.hits} hits), saved in {found.path}")
    if summary.unreduced:
        say(f"{summary.unreduced} more failures like these were not reduced")
