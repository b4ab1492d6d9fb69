"""`warpsmith show`: one verified pair."""

from __future__ import annotations

from typing import Annotated

import typer

from corpus.record import Record, encode_record
from corpus.store import Store
from harness.commands.shared import Corpus, Json, existing_corpus
from harness.cpp.code_paths import SPECIALIZED
from harness.cpp.generated_code import backward_text, forward_text


def show(
    id: Annotated[str, typer.Argument(help="The id of a pair, or how it begins.")],
    corpus: Corpus = None,
    full: Annotated[bool, typer.Option("--full", help="The whole C++ text, not the two functions only.")] = False,
    json: Json = False,
) -> int:
    """Show a pair: the Python, the C++ that Warp made of it, and how it was verified."""
    record = Store.open(existing_corpus(corpus), write=False).find(id)
    if json:
        print(encode_record(record).decode(), flush=True)
        return 0
    print(_header(record))
    print(record.python)
    print(record.cpp if full else _functions(record.cpp))
    if full and record.cuda is not None:
        print(record.cuda)
    return 0


def _header(record: Record) -> str:
    verified, source = record.verification, record.provenance
    lines = [
        f"id         {record.id}",
        f"category   {record.type}",
        f"verified   {verified.tier} on {', '.join(verified.devices)}"
        + (f" ({verified.reason})" if verified.reason else ""),
        f"forward    largest error {verified.forward_error:.2e}, "
        f"tolerance there {verified.forward_tolerance:.2e}, "
        f"{verified.cells_checked:.0%} of cells checked",
    ]
    if verified.gradient_error is not None and verified.gradient_tolerance is not None:
        lines.append(
            f"backward   largest error {verified.gradient_error:.2e}, "
            f"tolerance there {verified.gradient_tolerance:.2e}, "
            f"{verified.gradients_checked:.0%} of gradients checked"
        )
    names = ("warp", "numpy", "hypothesis", "warpsmith")
    versions = ", ".join(f"{name} {getattr(source, name)}" for name in names)
    options = ", ".join(f"{name} {value}" for name, value in verified.options.items())
    lines += [
        f"launch     {'x'.join(map(str, verified.launch))}, {_arrays(verified.layouts)}, {options}",
        f"from       seed {source.seed}, index {source.index}, {versions}",
        "",
    ]
    return "\n".join(lines)


def _arrays(layouts: tuple[str, ...]) -> str:
    kinds = " and ".join(layout for layout in layouts if layout != SPECIALIZED)
    return f"{kinds} arrays" + (" with code of their own" if SPECIALIZED in layouts else "")


def _functions(cpp: str) -> str:
    backward = backward_text(cpp)
    return forward_text(cpp) + ("" if backward is None else "\n" + backward)
