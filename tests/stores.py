"""Corpora for the tests of the store: records by number, campaigns, and what a folder holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.case import Case
from corpus.journal import Progress
from corpus.record import DamagedCorpus, Provenance, Record, Verification, encode_record, make_record
from corpus.store import Store
from strategies.language import types
from strategies.language.nodes import Apply, Assign, Element, Expression, Name, Parameter, Program, ThreadIndex
from strategies.language.types import FLOAT32, INT32

KEY = "seed 1: branch, loop"
CATEGORIES = ("loop", "branch")


def record(number: int, seed: int = 1) -> Record:
    """The record at `number` of a campaign's stream: a structure of its own for each number and seed."""
    value: Expression = Element(FLOAT32, "x", (Name(INT32, "i"),))
    for digit in f"{seed:b}2{number:b}":
        value = Apply(FLOAT32, ("sin", "cos", "tan")[int(digit)], (value,))
    program = Program(
        f"k{number}",
        CATEGORIES[number % 2],
        (4,),
        (Parameter("x", types.array(FLOAT32), 0.0, 1.0, (4,), output=True),),
        (ThreadIndex(("i",)), Assign(Element(FLOAT32, "x", (Name(INT32, "i"),)), value)),
    )
    verification = Verification(
        tier="backward",
        devices=("cpu",),
        forward_error=0.0,
        forward_tolerance=1e-6,
        cells_checked=1.0,
        gradients_checked=1.0,
        inputs_seed=number,
        launch=(4,),
        layouts=("contiguous",),
        options={},
    )
    provenance = Provenance(warp="1", numpy="2", hypothesis="6", warpsmith="0", seed=seed, index=number)
    return make_record(program, cpp=f"// {number}\n" * 20, verification=verification, provenance=provenance)


def progress(next: int) -> Progress:
    return Progress(next, next, {"loop": {"verified": (next + 1) // 2}, "branch": {"verified": next // 2}})


def grow(path: Path, total: int, batch: int = 4, key: str = KEY, seed: int = 1) -> None:
    """A whole campaign, from wherever it stands."""
    with Store.open(path, write=True) as store:
        commit_up_to(store, total, batch, key, seed)


def commit_up_to(store: Store, total: int, batch: int = 4, key: str = KEY, seed: int = 1) -> None:
    while (start := store.progress(key).next) < total:
        stop = min(start + batch, total)
        store.commit(key, progress(stop), [record(number, seed) for number in range(start, stop)])


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a corpus but the lock."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def append(path: Path, category: str, text: bytes) -> None:
    folder = path / "verified"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{category}.jsonl").open("ab") as file:
        file.write(text)


#: Bytes of a shard that two records of these tests fit in, and not a third.
SMALL: int = 2 * len(encode_record(record(16))) + 60


def sharded(path: Path) -> dict[str, int]:
    """The records in each file of a corpus."""
    return {name: text.count(b"\n") for name, text in contents(path).items() if name.startswith("verified")}


def refusal(path: Path) -> DamagedCorpus:
    with pytest.raises(DamagedCorpus) as caught:
        Store.open(path, write=True)
    return caught.value


def case(bucket: str) -> Case:
    return Case(
        bucket=bucket,
        kind="rejected",
        program=record(0).program,
        inputs={},
        cotangents={},
        layout="contiguous",
        options={},
        evidence={"message": "no"},
        provenance=record(0).provenance,
    )
