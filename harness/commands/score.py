"""`warpsmith score`: somebody else's C++ for the kernels of a corpus, judged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from corpus.record import check_record
from corpus.store import Store
from harness.campaign.campaign import default_workers
from harness.commands.shared import (
    BadUsage,
    Corpus,
    Json,
    Workers,
    existing_corpus,
    of_installed_warp,
    print_json,
    say,
)
from harness.scoring import confine
from harness.scoring.predictions import Prediction, Score, Scorer


def score(
    predictions: Annotated[Path, typer.Argument(help="JSON lines: id, and cpp or cpp_forward and cpp_backward.")],
    corpus: Corpus = None,
    details: Annotated[
        Path | None, typer.Option("--details", help="A file to write what was found of each prediction to.")
    ] = None,
    workers: Workers = None,
    json: Json = False,
) -> int:
    """Compile and run predicted C++ on the stored inputs of its kernels, and judge results and gradients.

    The texts are not trusted: what they are kept from is said first.
    """
    asked = list(_read(predictions))
    if not asked:
        raise BadUsage(f"there is no prediction in {predictions}")
    wanted = {prediction.id for prediction in asked}
    store = Store.open(existing_corpus(corpus), write=False)
    records = {record.id: record for record in store.records(check=False) if record.id in wanted}
    for record in records.values():
        check_record(record)
        of_installed_warp(record, "a prediction is compiled against its headers")
    unknown = [prediction.id for prediction in asked if prediction.id not in records]
    if unknown:
        raise BadUsage(f"{predictions}: no pair of {store.path} has the id {unknown[0]!r}")
    contained = containment()
    say(contained)
    with _opened(details) as file, Scorer() as scorer:
        scores = []
        of = [(records[prediction.id], prediction) for prediction in asked]
        for found in scorer.scores(of, workers or default_workers()):
            scores.append(found)
            if file is not None:
                file.write(msgspec.json.encode(found) + b"\n")
                file.flush()
    rates = {name: _rates([s for s in scores if name in (s.category, "all")]) for name in _categories(scores)}
    if json:
        print_json({"containment": contained, "categories": rates})
    else:
        _print(rates)
    return 0


def containment() -> str:
    """What predicted code is kept from on this machine, in sentences."""
    command = [sys.executable, "-I", "-S", confine.__file__, "--probe"]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, bool] = msgspec.json.decode(done.stdout)
    walls = {"network": "the network", "processes": "other processes", "files": "other files"}
    kept = [
        "endless time",
        "more memory for a process than it needs",
        "endless files",
        *(walls[name] for name, cut in found.items() if cut),
    ]
    open_ = [walls[name] for name, cut in found.items() if not cut]
    sentence = f"Predicted code is kept from {', '.join(kept)}."
    if open_:
        sentence += f" It is NOT kept from {', '.join(open_)} here: use a virtual machine for code that may be hostile."
    return f"{sentence} docs/scoring.md has what else it may do."


def _opened(details: Path | None) -> AbstractContextManager[BinaryIO | None]:
    """The file for what is found of each prediction, opened before the first is scored."""
    if details is None:
        return nullcontext()
    try:
        return details.open("wb")
    except OSError as error:
        raise BadUsage(f"cannot write {details}: {error.strerror or error}") from None


def _read(path: Path) -> Iterator[Prediction]:
    seen: set[str] = set()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadUsage(f"cannot read {path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=Prediction)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadUsage(f"{path}, line {number}: not a prediction: {error}") from None
        if found.id in seen:
            raise BadUsage(f"{path}, line {number}: there is a prediction for {found.id!r} already")
        seen.add(found.id)
        yield found


def _categories(scores: Iterable[Score]) -> list[str]:
    return [*sorted({found.category for found in scores}), "all"]


def _rates(scores: list[Score]) -> dict[str, Any]:
    reasons: dict[str, int] = {}
    for found in scores:
        if found.reason is not None:
            why = found.reason.value if found.kind is None else found.kind.value
            reasons[why] = reasons.get(why, 0) + 1
    forward = [found.forward for found in scores if found.forward is not None]
    backward = [found.backward for found in scores if found.backward is not None]
    return {
        "predictions": len(scores),
        "compiled": sum(found.compiled for found in scores),
        "forward_judged": len(forward),
        "forward_correct": sum(forward),
        "backward_judged": len(backward),
        "backward_correct": sum(backward),
        "reasons": dict(sorted(reasons.items())),
    }


def _print(rates: dict[str, dict[str, Any]]) -> None:
    table = Table()
    for heading in ("category", "predictions", "compile", "forward correct", "backward correct", "what is wrong"):
        table.add_column(heading, justify="left" if heading in ("category", "what is wrong") else "right")
    for name, of in rates.items():
        if name == "all":
            table.add_section()
        table.add_row(
            name,
            f"{of['predictions']}",
            _share(of["compiled"], of["predictions"]),
            _share(of["forward_correct"], of["forward_judged"]),
            _share(of["backward_correct"], of["backward_judged"]),
            ", ".join(f"{why} {count}" for why, count in of["reasons"].items()),
        )
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of {whole}" if whole else ""
