"""`warpsmith verify`: is every stored pair what it claims to be?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from corpus.checking import check_corpus
from corpus.record import Record
from corpus.store import Store
from harness.commands.recheck import Recheck, recheck
from harness.commands.shared import BadUsage, Workers, say
from harness.cpp.generated_code import compile_each

COMPILED_TOGETHER = 100
"""Texts for which one precompiled header is made."""


def verify(
    corpus: Annotated[Path, typer.Argument(help="The folder of the corpus.")],
    sample: Annotated[int | None, typer.Option("--sample", min=1, help="Only so many pairs, spread evenly.")] = None,
    compile: Annotated[bool, typer.Option("--compile", help="Compile each C++ text alone as well.")] = False,
    workers: Workers = None,
) -> int:
    """Check every stored pair: the file, the source against its syntax tree, and the verdict, built anew."""
    damage = check_corpus(corpus)
    for sentence in damage:
        print(f"{corpus}/{sentence}")
    if damage:
        raise BadUsage(f"{corpus} is damaged; the list above says where")
    store = Store.open(corpus, write=False)
    checked = problems = 0
    other_versions: set[str] = set()
    for found in recheck(_sampled(store, sample), workers):
        checked += 1
        problem = found.problem or _other_text(found, other_versions)
        if problem is not None:
            problems += 1
            print(f"{found.record.type} {found.record.id[:12]}: {problem}", flush=True)
    if compile:
        problems += _compile(_sampled(store, sample))
    for version in sorted(other_versions):
        say(f"Pairs made with Warp {version} were verified, but their C++ text was not compared.")
    say(f"{checked} pairs verified again, {problems} problem{'' if problems == 1 else 's'}.")
    return int(problems > 0)


def _sampled(store: Store, sample: int | None) -> Iterator[Record]:
    # What is damaged was found before.
    records = store.records(check=False)
    if sample is None:
        return records
    total = sum(1 for _ in store.records(check=False))
    return itertools.islice(records, 0, None, max(1, -(-total // sample))) if sample < total else records


def _other_text(found: Recheck, other_versions: set[str]) -> str | None:
    made_with = found.record.provenance.warp
    if made_with != found.versions.warp:
        other_versions.add(made_with)
        return None
    return None if found.same_text else "Warp generates another text for it than is stored"


def _compile(records: Iterator[Record]) -> int:
    problems = 0
    while some := list(itertools.islice(records, COMPILED_TOGETHER)):
        for record, said in zip(some, compile_each([record.cpp for record in some]), strict=True):
            if said is not None:
                problems += 1
                first = next((line for line in said.splitlines() if "error" in line), said.splitlines()[0])
                print(f"{record.type} {record.id[:12]}: its C++ does not compile alone: {first}", flush=True)
    return problems
