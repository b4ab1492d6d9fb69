"""What the page says of a corpus, counted in one pass over its records."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from corpus.case import Case
from corpus.journal import Progress
from corpus.pairs import Pair, is_construct, spread
from corpus.record import Record
from corpus.statistics import count_statements
from strategies.language import types
from strategies.language.nodes import Apply, Atomic, Program, size, walk
from strategies.language.render import render
from strategies.language.tiles import is_tiled
from strategies.ops import ATOMICS, OPS, instances, rows

#: What became of the programs of a campaign, as the page groups it; in the order of the legend.
OUTCOMES: Final[dict[str, str]] = {
    "backward": "results and gradients verified",
    "forward": "results verified, gradients outside a documented limit",
    "inconclusive": "too little could be compared",
    "known": "a known defect of Warp",
    "failure": "a new failure",
    "other": "a duplicate, too large, or not drawn",
}
#: Errors are counted by quarters of a decade.
PER_DECADE: Final = 4
#: Kinds of statements and expressions that the page has room for: without the commonest, which meet every other.
CONSTRUCTS: Final = 30
#: Points of the curve of growth: more than the pixels of a phone show nothing.
POINTS: Final = 120


def outcome_of(counter: str) -> str:
    """The member of `OUTCOMES` that a campaign's counter belongs to."""
    head = counter.partition(":")[0]
    return head if head in OUTCOMES else "other"


@dataclass
class Closeness:
    """How close the right answers of one pass came to what would have been too far.

    Of each pair the largest error, relative to the size of the value, and the tolerance there.  `exact` pairs had
    no error at all; the rest is counted by the logarithm of error over tolerance, and by those of both.
    """

    exact: int = 0
    ratios: Counter[int] = field(default_factory=Counter)
    cells: Counter[tuple[int, int]] = field(default_factory=Counter)
    closest: float = 0.0

    def add(self, error: float, tolerance: float) -> None:
        """Count a pair."""
        if error == 0.0 or tolerance == 0.0:
            self.exact += 1
            return
        self.closest = max(self.closest, error / tolerance)
        self.ratios[_bin(error / tolerance)] += 1
        self.cells[_bin(tolerance), _bin(error)] += 1

    def share_below(self, ratio: float) -> float:
        """The share of pairs whose error is below `ratio` of the tolerance."""
        total = self.exact + self.ratios.total()
        within = self.exact + sum(n for at, n in self.ratios.items() if at < _bin(ratio))
        return within / total if total else 0.0


def _bin(value: float) -> int:
    return math.floor(math.log10(value) * PER_DECADE)


@dataclass(frozen=True)
class Growth:
    """What was met by the time so many pairs were there: construct pairs, and different outlines."""

    pairs: int
    met: int
    outlines: int


@dataclass(frozen=True)
class Defect:
    """A stored failure: what is wrong, its smallest kernel, and how often the campaigns met it."""

    title: str
    kind: str
    source: str
    hits: int


@dataclass(frozen=True)
class Timing:
    """What one program costs, in milliseconds, in a batch of `programs`."""

    programs: int
    draw: float
    reference: float
    build_and_run: float


@dataclass
class Sizes:
    """Of every pair."""

    statements: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    cpp_bytes: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """A pair to show, of middling size."""

    category: str
    python: str
    cpp: str
    tier: str
    forward_error: float
    gradient_error: float | None


@dataclass(frozen=True)
class Facts:
    """All of it.  `used` counts the pairs that apply an operation to a scalar type."""

    pairs: int
    backward: int
    by_category: Mapping[str, Mapping[str, int]]
    forward: Closeness
    gradient: Closeness
    growth: list[Growth]
    sizes: Sizes
    constructs: list[str]
    together: Mapping[tuple[str, str], int]
    #: pairs of features that never met although chance alone would have brought them together several times
    missed: tuple[Pair, ...]
    used: Mapping[tuple[str, str], int]
    shown: Shown | None
    versions: list[str]
    defects: list[Defect]
    #: by group of Warp's documentation: built-ins, and how many the op table covers; None where Warp is not there
    registry: Mapping[str, tuple[int, int]] | None = None
    timing: Timing | None = None

    @property
    def never_together(self) -> list[tuple[str, str]]:
        """Pairs of constructs that no kernel holds both of."""
        return [pair for pair in _pairs(self.constructs) if not self.together.get(pair)]


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    return ((one, other) for n, one in enumerate(names) for other in names[n + 1 :])


class _Features:
    """The constructs of every pair as bits, and where the pair stands in its stream."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rows: list[tuple[int, int, str]] = []

    def add(self, record: Record) -> None:
        bits = 0
        for feature in record.features:
            bits |= 1 << self._numbers.setdefault(feature, len(self._numbers))
        self._rows.append((record.provenance.index, bits, record.outline))

    def rows(self) -> Iterator[list[str]]:
        """The constructs of every pair."""
        names = [name for name in self._numbers if is_construct(name)]
        for _, bits, _ in self._rows:
            yield [name for name in names if bits >> self._numbers[name] & 1]

    def growth(self) -> list[Growth]:
        """In the order in which the pairs were drawn, at `POINTS` places."""
        self._rows.sort(key=lambda row: row[0])
        met = [0] * len(self._numbers)
        count = 0
        outlines: set[str] = set()
        found = [Growth(0, 0, 0)]
        step = max(1, len(self._rows) / POINTS)
        for number, (_, bits, outline) in enumerate(self._rows, start=1):
            outlines.add(outline)
            rest = bits
            while rest:
                lowest = rest & -rest
                feature = lowest.bit_length() - 1
                rest ^= lowest
                # Each pair is counted at its smaller number.
                new = rest & ~met[feature]
                met[feature] |= new
                count += new.bit_count()
            if number >= step * len(found) or number == len(self._rows):
                found.append(Growth(number, count, len(outlines)))
        return found


def used_types(program: Program) -> set[tuple[str, str]]:
    """Each operation of `program`, with the scalar type that it is applied to; but for those on tiles."""
    found: set[tuple[str, str]] = set()
    for node in walk(program):
        if isinstance(node, Apply) and node.arguments and not is_tiled(node):
            found.add((node.op, types.element_scalar(node.arguments[0].type).notation))
        elif isinstance(node, Atomic):
            found.add((node.op, types.element_scalar(node.value.type).notation))
    return found


def usable_types(op: str) -> set[str]:
    """The scalar types that the op table says `op` can be applied to."""
    if op in ATOMICS:
        return set(ATOMICS[op])
    return {
        types.element_scalar(arguments[0]).notation for row in rows(op) for arguments, _ in instances(row) if arguments
    }


def gather(
    records: Iterable[Record],
    campaigns: Mapping[str, Progress],
    cases: Iterable[Case],
    titles: Mapping[str, str],
    registry: tuple[str, Mapping[str, str]] | None = None,
    timing: Timing | None = None,
) -> Facts:
    """What the page says of `records`, none of which is held in memory.

    `titles` are those of the known issues, by id; `registry` is the version of the installed Warp and the group of
    each of its built-ins.
    """
    forward, gradient, sizes, features = Closeness(), Closeness(), Sizes(), _Features()
    tiers: dict[str, Counter[str]] = {}
    together: Counter[tuple[str, str]] = Counter()
    used: Counter[tuple[str, str]] = Counter()
    constructs: Counter[str] = Counter()
    versions: set[str] = set()
    shown: Record | None = None
    for record in records:
        verified = record.verification
        tiers.setdefault(record.type, Counter())[verified.tier] += 1
        forward.add(verified.forward_error, verified.forward_tolerance)
        if verified.tier == "backward" and verified.gradient_error is not None:
            gradient.add(verified.gradient_error, verified.gradient_tolerance or 0.0)
        sizes.statements.append(count_statements(record.program))
        sizes.nodes.append(size(record.program))
        sizes.cpp_bytes.append(len(record.cpp))
        features.add(record)
        kinds = sorted(name.removeprefix("node:") for name in record.features if name.startswith("node:"))
        constructs.update(kinds)
        together.update(_pairs(kinds))
        used.update(used_types(record.program))
        versions.add(f"Warp {record.provenance.warp}")
        if shown is None or _appeal(record) > _appeal(shown):
            shown = record
    hits: Counter[str] = Counter()
    for progress in campaigns.values():
        for counts in progress.counters.values():
            hits.update(counts)
    return Facts(
        pairs=len(sizes.nodes),
        backward=sum(of["backward"] for of in tiers.values()),
        by_category=_outcomes(tiers, campaigns),
        forward=forward,
        gradient=gradient,
        growth=features.growth(),
        sizes=sizes,
        constructs=sorted(name for name, _ in constructs.most_common()[-CONSTRUCTS:]),
        together=together,
        missed=spread(features.rows()).never,
        used=used,
        shown=None if shown is None else _shown(shown),
        versions=sorted(versions),
        defects=[_defect(case, titles, hits) for case in cases],
        registry=None if registry is None else _covered(registry[1]),
        timing=timing,
    )


def _appeal(record: Record) -> tuple[int, str]:
    """How well a pair shows what the rest is like: short lines, and not too many; the larger, the better."""
    lines = record.python.splitlines()
    kinds = sum(name in ("node:for", "node:if", "node:conditional", "node:while") for name in record.features)
    ugly = abs(len(lines) - 18) + max(0, max(map(len, lines)) - 68) + max(0, len(record.cpp) // 300 - 34)
    gradient = record.verification.gradient_error or 0.0
    return 6 * min(2, kinds) + 4 * (gradient > 0.0) - ugly, record.id


def _shown(record: Record) -> Shown:
    of = record.verification
    return Shown(record.type, record.python, record.cpp, of.tier, of.forward_error, of.gradient_error)


def _outcomes(tiers: Mapping[str, Counter[str]], campaigns: Mapping[str, Progress]) -> dict[str, Counter[str]]:
    """By category, what became of its programs; of one that no campaign tells of, what is stored."""
    found: dict[str, Counter[str]] = {}
    for progress in campaigns.values():
        for category, counts in progress.counters.items():
            of = found.setdefault(category, Counter())
            for name, count in counts.items():
                of[outcome_of(name)] += count
    for category, counts in tiers.items():
        if not found.get(category):
            found[category] = Counter(counts)
    return dict(sorted(found.items()))


def _defect(case: Case, titles: Mapping[str, str], hits: Mapping[str, int]) -> Defect:
    title = titles.get(case.bucket) or f"{case.kind}: {case.evidence.get('message', '')}"
    return Defect(
        title, case.kind, _kernel_only(case.source or render(case.program)), hits.get(f"known:{case.bucket}", 0)
    )


def _kernel_only(source: str) -> str:
    """`source` without its import."""
    return source.partition("\n\n")[2].strip("\n") or source


def _covered(registry: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    covered = {row.warp_name for row in OPS.values()} | set(ATOMICS)
    groups: dict[str, list[bool]] = {}
    for name, group in registry.items():
        groups.setdefault(group, []).append(name in covered)
    return {group: (len(found), sum(found)) for group, found in sorted(groups.items())}
