"""The splits: what is alike stays together, and the measurement finds what does not."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

import corpus
from corpus.record import Record
from corpus.splits import (
    LARGEST_HELD_OUT,
    PERMUTATIONS,
    Assignment,
    Split,
    _Clusters,
    _join_near_duplicates,
    assign,
    measure,
    normalised_cpp,
    normalised_tokens,
    shingles,
)
from corpus.store import Store
from strategies.language.hashing import defined_names

OF_EACH = 12


@pytest.fixture(scope="module")
def rows() -> list[Record]:
    """Some rows of every category of the corpus that comes with a checkout."""
    store = Store.open(Path(corpus.__file__).parent, write=False)
    return [r for name in store.categories() for r in itertools.islice(store.records(name, check=False), OF_EACH)]


@pytest.fixture(scope="module")
def assignment(rows: list[Record]) -> Assignment:
    return assign(rows)


def twin(record: Record, number: int = 0, **changes: str) -> Record:
    """`record` with another id, and with `changes`."""
    id = f"{int(record.id, 16) ^ (0xABCDEF << 96 | number + 1 << 80):032x}"
    return msgspec.structs.replace(record, id=id, **changes)


def renamed(record: Record) -> Record:
    names = sorted({record.kernel_name, *defined_names(record.program)})
    new = {name: f"name{n}x" for n, name in enumerate(names)}
    words = "|".join(map(re.escape, names))
    pattern = re.compile(rf"(?:(?<![.:])|(?<=args\.))\b(var_|adj_|wp_args_)?({words})(?=\b|_cpu)")

    def changed(text: str) -> str:
        return pattern.sub(lambda found: (found.group(1) or "") + new[found.group(2)], text)

    other = twin(record, python=changed(record.python), cpp=changed(record.cpp))
    return msgspec.structs.replace(other, structure="0" * 32, outline=f"{int(record.id, 16) ^ 1:032x}")


def apart(rows: list[Record], *splits: Split) -> Assignment:
    """An assignment of rows to splits, whatever they have in common."""
    ids = np.array([int(r.id[:16], 16) for r in rows], np.uint64)
    numbers = np.array([list(Split).index(split) for split in splits], np.uint8)
    return Assignment(ids, np.arange(len(rows)), numbers)


def test_every_row_is_in_one_split(rows: list[Record], assignment: Assignment) -> None:
    assert len(assignment) == len(rows)
    counts = {split.value: sum(assignment.split(r) is split for r in rows) for split in Split}
    assert counts == assignment.rows()
    assert counts["train"] > counts["validation"] > 0
    assert counts["test"] > 0


def test_a_row_that_was_not_there_is_in_no_split(rows: list[Record], assignment: Assignment) -> None:
    with pytest.raises(KeyError):
        assignment.split(twin(rows[0]))


def test_nothing_leaks_from_the_corpus_of_the_checkout(rows: list[Record], assignment: Assignment) -> None:
    leakage = measure(lambda: rows, assignment)
    assert leakage.held_out == leakage.near_duplicates_of > 0
    assert leakage.rename_identical == leakage.structure_identical == 0
    assert leakage.outline_identical == leakage.cpp_identical == 0
    assert leakage.near_duplicates == 0


@pytest.mark.parametrize("number", range(0, 10 * OF_EACH, 17))
def test_a_renamed_kernel_follows_its_original_by_its_text_alone(rows: list[Record], number: int) -> None:
    original = rows[number]
    other = renamed(original)
    assert other.python != original.python
    assert normalised_cpp(other.cpp) == normalised_cpp(original.cpp)
    assert list(normalised_tokens(other.python, numbered=True)) == list(
        normalised_tokens(original.python, numbered=True)
    )
    found = assign([*rows[:number], other, *rows[number:]])
    assert found.cluster(other) == found.cluster(original)
    assert found.split(other) is found.split(original)


def test_a_kernel_with_a_line_more_follows_its_original(rows: list[Record]) -> None:
    original = max(rows, key=lambda r: len(r.python))
    longer = original.python + "    extra = wp.sin(1.5)\n"
    other = twin(original, python=longer, cpp="void other() {}", structure="1" * 32, outline="2" * 32)
    found = assign([other, *rows])
    assert found.cluster(other) == found.cluster(original)
    leakage = measure(lambda: [original, other], apart([original, other], Split.TRAIN, Split.TEST))
    assert leakage.near_duplicates == 1
    assert leakage.structure_identical == leakage.cpp_identical == 0


def test_the_measurement_finds_what_was_torn_apart(rows: list[Record]) -> None:
    original, bystander = rows[0], rows[-1]
    other = renamed(original)
    three = [original, other, bystander]
    leakage = measure(lambda: three, apart(three, Split.TRAIN, Split.TEST, Split.TEST))
    assert (leakage.held_out, leakage.rename_identical, leakage.cpp_identical) == (2, 1, 1)
    assert leakage.structure_identical == 0
    same_tree = twin(original, python="@wp.kernel\ndef f():\n    pass\n", cpp="")
    pair = [original, same_tree]
    leakage = measure(lambda: pair, apart(pair, Split.VALIDATION, Split.TEST))
    assert (leakage.structure_identical, leakage.outline_identical) == (2, 2)
    assert leakage.rename_identical == leakage.cpp_identical == leakage.near_duplicates == 0


def test_other_rows_do_not_move_a_row(rows: list[Record], assignment: Assignment) -> None:
    fewer = assign(rows[::3])
    alone = [r for r in rows[::3] if sum(assignment.cluster(r) == assignment.cluster(o) for o in rows) == 1]
    assert len(alone) > len(rows) / 4
    assert all(fewer.split(r) is assignment.split(r) for r in alone)


def test_a_large_cluster_is_for_training(rows: list[Record], assignment: Assignment) -> None:
    tested = next(r for r in rows if assignment.split(r) is Split.TEST)
    twins = [twin(tested, n) for n in range(LARGEST_HELD_OUT + 1)]
    found = assign([tested, *twins])
    assert len(found.sizes()) == 1
    assert found.split(tested) is Split.TRAIN


def test_an_empty_corpus_has_no_splits() -> None:
    nothing = assign([])
    assert nothing.rows() == {"train": 0, "validation": 0, "test": 0}
    assert measure(list, nothing).held_out == 0


def test_what_a_program_binds_is_no_part_of_its_shingles(rows: list[Record]) -> None:
    assert all(shingles(r.python) == shingles(renamed(r).python) for r in rows[::9])


def test_comments_directives_and_numbers_are_no_part_of_the_text() -> None:
    assert normalised_cpp("#define A b\nfoo(1.5e-3f, wp::sin(x)); // foo\n") == "v0 ( 0 , wp::sin ( v1 ) ) ;"


def test_a_near_duplicate_of_a_row_that_another_represents_is_found() -> None:
    """The second row is all but the first; the third agrees with it in 70 %, the last with the first in half."""
    numbers = np.random.default_rng(1).integers(0, 2**32, (4, PERMUTATIONS), np.uint32)
    signatures = np.tile(numbers[0], (4, 1))
    signatures[1, -8:] = numbers[1, -8:]
    signatures[2] = signatures[1]
    signatures[2, 20:58] = numbers[2, 20:58]
    signatures[3] = numbers[3]
    signatures[3, :64] = numbers[0, :64]
    clusters = _Clusters(4)
    _join_near_duplicates(clusters, signatures)
    assert clusters.roots().tolist() == [0, 0, 0, 3]
