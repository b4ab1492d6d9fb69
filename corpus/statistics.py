"""What a corpus is made of, in one pass over its records."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import get_args

import msgspec

from corpus.digests import DigestSet
from corpus.record import Record
from strategies.language.nodes import Node, Statement, children, size


class Share(msgspec.Struct, frozen=True):
    """The smallest and the median of a share between 0 and 1."""

    smallest: float
    median: float


class CategorySummary(msgspec.Struct, frozen=True):
    """What the records of one category, or of all, are made of.

    `rows` are all records and `backward` those whose gradient was verified too; `structures` and `outlines`
    count the different ones; `duplicates` are rows whose structure stands in an earlier row.  Statements and
    nodes are counted per kernel.  `gradients_checked` and `median_gradient_tolerance`, the median of the
    records' medians, are over the backward tier.  `features` counts the records that have each, sorted by
    name.  A figure over no records is None.
    """

    rows: int
    backward: int
    structures: int
    outlines: int
    duplicates: int
    median_statements: float | None
    median_nodes: float | None
    mean_cpp_bytes: float | None
    cells_checked: Share | None
    gradients_checked: Share | None
    median_gradient_tolerance: float | None
    features: dict[str, int]


class Summary(msgspec.Struct, frozen=True):
    """What a corpus is made of: as a whole, and by category, sorted by name."""

    total: CategorySummary
    categories: dict[str, CategorySummary]


def summarise(records: Iterable[Record]) -> Summary:
    """The summary of `records`, of which none is held in memory."""
    total = _Tally()
    categories: dict[str, _Tally] = {}
    for record in records:
        for tally in (total, categories.setdefault(record.type, _Tally())):
            tally.add(record)
    return Summary(total.summary(), {name: categories[name].summary() for name in sorted(categories)})


def count_statements(node: Node) -> int:
    """How many statements there are in `node`, nested ones too."""
    return isinstance(node, _STATEMENTS) + sum(count_statements(child) for child in children(node))


_STATEMENTS: tuple[type[Node], ...] = get_args(Statement)


class _Tally:
    """Sums over the records of one category."""

    def __init__(self) -> None:
        self.rows = 0
        self.backward = 0
        self.cpp_bytes = 0
        self.structures = DigestSet()
        self.outlines = DigestSet()
        self.statements = array("q")
        self.nodes = array("q")
        self.cells = array("d")
        self.gradients = array("d")
        self.tolerances = array("d")
        self.features: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        verification = record.verification
        self.rows += 1
        self.cpp_bytes += len(record.cpp.encode())
        self.structures.add(record.structure)
        self.outlines.add(record.outline)
        self.statements.append(count_statements(record.program))
        self.nodes.append(size(record.program))
        self.cells.append(verification.cells_checked)
        self.features.update(record.features)
        if verification.tier == "backward":
            self.backward += 1
            self.gradients.append(verification.gradients_checked)
            if verification.median_gradient_tolerance is not None:
                self.tolerances.append(verification.median_gradient_tolerance)

    def summary(self) -> CategorySummary:
        return CategorySummary(
            rows=self.rows,
            backward=self.backward,
            structures=len(self.structures),
            outlines=len(self.outlines),
            duplicates=self.rows - len(self.structures),
            median_statements=_median(self.statements),
            median_nodes=_median(self.nodes),
            mean_cpp_bytes=self.cpp_bytes / self.rows if self.rows else None,
            cells_checked=_share(self.cells),
            gradients_checked=_share(self.gradients),
            median_gradient_tolerance=_median(self.tolerances),
            features=dict(sorted(self.features.items())),
        )


def _median(numbers: array[int] | array[float]) -> float | None:
    return float(median(numbers)) if numbers else None


def _share(numbers: array[float]) -> Share | None:
    return Share(min(numbers), float(median(numbers))) if numbers else None
