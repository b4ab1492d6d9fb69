"""The card of a corpus: what a reader must know before using the rows, in the form that the Hub expects.

All of it is computed from the corpus, but for the changelog, which stands in `CHANGELOG.md` beside this file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from corpus.dataset import COLUMNS, LICENCE
from corpus.journal import Progress
from corpus.leakage import THRESHOLD, Leakage, Split
from corpus.record import Record
from corpus.statistics import CategorySummary, Summary

CHANGELOG: Final = Path(__file__).with_name("CHANGELOG.md")

_CAMPAIGN: Final = re.compile(r"seed=(\d+) categories=([\w,]+)")
_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


class Origins:
    """What made the records of a corpus, counted in passing."""

    def __init__(self) -> None:
        self.versions: Counter[tuple[str, str, str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.cuda = 0

    def passing(self, records: Iterable[Record]) -> Iterable[Record]:
        """`records`, looked at on their way."""
        for record in records:
            source = record.provenance
            self.versions[source.warp, source.numpy, source.hypothesis, source.warpsmith] += 1
            self.cuda += record.cuda is not None
            if record.verification.reason is not None:
                self.reasons[record.verification.reason] += 1
            yield record


class Facts(msgspec.Struct, frozen=True):
    """What a card states.  `splits` are rows by category and split."""

    summary: Summary
    leakage: Leakage
    splits: Mapping[tuple[str, str], int]
    origins: Origins
    campaigns: Mapping[str, Progress]


def corpus_card(facts: Facts, files: Sequence[Path], root: Path, all_categories: Sequence[str]) -> str:
    """The card of the folder of a corpus: `files`, below `root`, hold its records."""
    parts = [
        _header(facts.summary.total.rows, {}),
        _introduction(facts, facts.summary.total.rows),
        "One JSON object a line, in `verified/`; the fields are those of `Record` in `record.py`. `warpsmith export` "
        "makes Parquet with the columns below of it, which `datasets.load_dataset` reads.\n",
        _body(facts, all_categories, None),
        _files(files, root),
    ]
    return "\n".join(parts)


def export_card(facts: Facts, filters: str, all_categories: Sequence[str], derived: str | None) -> str:
    """The card of an exported folder, whose header tells `datasets.load_dataset` where the splits are.

    `derived` names the columns with CUDA text and what was made of it, if the export filled them.
    """
    rows = sum(facts.splits.values())
    kept = (
        f"Exported with {filters}: the number above and the counts of splits are of what was exported, all else of "
        "the whole.\n"
    )
    parts = [_header(rows, facts.splits), _introduction(facts, rows), USAGE, *([kept] if filters else [])]
    return "\n".join([*parts, _body(facts, all_categories, derived)])


# ---------------------------------------------------------------- parts


def _header(rows: int, splits: Mapping[tuple[str, str], int]) -> str:
    size = next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")
    lines = [
        "---",
        f"license: {LICENCE}",
        "pretty_name: warpsmith, verified Warp kernels and their generated C++",
        "language:\n- code",
        "task_categories:\n- text-generation",
        "tags:\n- code\n- cpp\n- cuda\n- compilers\n- automatic-differentiation\n- nvidia-warp",
        "annotations_creators:\n- machine-generated",
        f"size_categories:\n- {size}",
    ]
    present = [split.value for split in Split if any(name == split.value for _, name in splits)]
    if splits:
        lines.append("configs:\n- config_name: all\n  default: true\n  data_files:")
        lines += [f"  - split: {split}\n    path: data/*/{split}-*.parquet" for split in present]
        for category in sorted({category for category, _ in splits}):
            lines.append(f"- config_name: {category}\n  data_files:")
            lines += [
                f"  - split: {split}\n    path: data/{category}/{split}-*.parquet"
                for split in present
                if (category, split) in splits
            ]
    else:
        lines.append("viewer: false")
    return "\n".join([*lines, "---", ""])


def _introduction(facts: Facts, rows: int) -> str:
    versions = " and ".join(sorted({warp for warp, *_ in facts.origins.versions}))
    return (
        "# The corpus\n\n"
        f"{rows:,} verified pairs: kernels for NVIDIA Warp in Python, and the C++ that Warp {versions} generates "
        f"for them, forward and backward. Licence: {LICENCE}.\n"
    )


#: How a row is used; a test runs it.
USAGE: Final = '''\
```python
import json
import numpy as np
from datasets import load_dataset

rows = load_dataset("path/to/this/folder", "all")  # or one category
row = rows["train"][0]


def array(value):
    return np.array(json.loads(value["values"]), value["dtype"]).reshape(value["shape"])


def agrees(held, expected):
    """Whether each number of an output is as near as its tolerance to what it must be; null is not compared."""
    wanted = np.array(json.loads(expected["values"]), float)
    allowed = np.array(json.loads(expected["tolerance"]), float)  # null becomes NaN
    held = np.asarray(held, float).ravel()
    with np.errstate(invalid="ignore"):
        near = (abs(held - wanted) <= allowed) | (held == wanted) | (np.isnan(held) & np.isnan(wanted))
    return bool(np.all(near | np.isnan(allowed)))


def passes(row, run):
    """Whether `run(inputs, launch)`, a translation's launch over these dimensions, gives back arrays that agree."""
    held = run({value["name"]: array(value) for value in row["inputs"]}, row["launch"])
    return all(agrees(held[expected["name"]], expected) for expected in row["outputs"])
```
'''


def _body(facts: Facts, all_categories: Sequence[str], derived: str | None) -> str:
    parts = (_verification(facts), _categories(facts, all_categories), _splits(facts), _constructs(facts),
             _columns(), _limits(facts, derived), _regeneration(facts), _changelog())  # fmt: skip
    return "\n".join(parts)


def _verification(facts: Facts) -> str:
    total = facts.summary.total
    text = f"""\
## What a row is, and how it was verified

A row is one kernel. Warp built it and ran it on the CPU, in a process of its own. Every output cell was compared with
an independent NumPy reference, on generic inputs and on special ones; inputs and the memory around every buffer were
unchanged; a second launch and strided arrays gave the same bits. In the `backward` tier every gradient agreed with
central differences of the reference in float64. The tolerance follows from the program, by Monte Carlo arithmetic; a
cell that could only be compared loosely counts as unchecked, and at least 80 % were checked.

| tier | rows | meaning |
|---|---|---|
| `backward` | {total.backward:,} | results and gradients verified |
| `forward` | {total.rows - total.backward:,} | results verified; gradient zero, or outside a documented limit |
"""
    if total.gradients_checked is not None and total.median_gradient_tolerance is not None:
        text += (
            f"\nOf a `backward` row's gradients a median of {total.gradients_checked.median:.0%} were compared, and no "
            f"less than {total.gradients_checked.smallest:.0%}; the median tolerance of a gradient is "
            f"{total.median_gradient_tolerance:.1e} of its size.\n"
        )
    if facts.origins.reasons:
        reasons = "\n".join(f"| {reason} | {rows:,} |" for reason, rows in sorted(facts.origins.reasons.items()))
        text += f"\n| why a row is of the `forward` tier | rows |\n|---|---|\n{reasons}\n"
    return text


def _categories(facts: Facts, all_categories: Sequence[str]) -> str:
    lines = [
        "## Categories\n",
        "| category | rows | backward | train | validation | test | statements | C++ bytes | distinct outlines |",
        "|---|---|---|---|---|---|---|---|---|",
    ]

    def line(name: str, of: CategorySummary) -> str:
        splits = [
            sum(rows for (category, s), rows in facts.splits.items() if s == split.value and name in (category, "all"))
            for split in Split
        ]
        return (
            f"| `{name}` | {of.rows:,} | {of.backward:,} | {' | '.join(f'{n:,}' for n in splits)} | "
            f"{of.median_statements or 0:.0f} | {of.mean_cpp_bytes or 0:,.0f} | {of.outlines / max(1, of.rows):.0%} |"
        )

    lines += [line(name, of) for name, of in facts.summary.categories.items()]
    lines.append(line("all", facts.summary.total))
    lines.append("\nStatements are medians, bytes means; an outline is a kernel without names, literals and operators.")
    missing = sorted(set(all_categories) - set(facts.summary.categories))
    if missing:
        lines.append(f"No rows yet: {', '.join(f'`{name}`' for name in missing)}.")
    return "\n".join(lines) + "\n"


def _splits(facts: Facts) -> str:
    of = facts.leakage
    rows = ", ".join(f"{name} {count:,}" for name, count in of.rows.items())
    return f"""\
## Splits and leakage

Kernels that are alike form a cluster, and a cluster goes to one split as a whole: {of.clusters:,} clusters, the
largest of {of.largest_cluster:,} rows ({rows}). Measured afterwards, on {of.held_out:,} held-out rows, by comparing
each with the rows of the other splits:

| a held-out row has, in another split, a row that is equal but for | rows |
|---|---|
| names | {of.rename_identical:,} |
| names and literals | {of.structure_identical:,} |
| names, literals and operators | {of.outline_identical:,} |
| names and literals of the generated C++ | {of.cpp_identical:,} |
| {1 - THRESHOLD:.0%} of its runs of five tokens (of {of.near_duplicates_of:,} rows) | {of.near_duplicates:,} |

Names are drawn without regard to the category. A test trains naive Bayes on *which* names kernels have, equally many
from each category, and finds chance level. *How many* names a kernel has, no choice of names hides: through that, plain
naive Bayes over all names found the category of 6 % of the rows of forty categories, where chance is 2.5 %.
"""


def _constructs(facts: Facts) -> str:
    groups: dict[str, list[str]] = {}
    for feature, rows in facts.summary.total.features.items():
        kind, _, name = feature.partition(":")
        groups.setdefault(kind, []).append(f"{name} {rows:,}")
    lines = ["## Constructs, and in how many rows each occurs\n", "| kind | constructs |", "|---|---|"]
    lines += [f"| {kind} | {', '.join(names)} |" for kind, names in sorted(groups.items())]
    return "\n".join(lines).replace("op:", "") + "\n"


def _columns() -> str:
    lines = ["## Columns of an export\n", "| column | what it holds |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {about} |" for name, about in COLUMNS.items())]) + "\n"


def _limits(facts: Facts, derived: str | None) -> str:
    if derived is not None:
        cuda = f"The export filled {derived}: what Warp generates of the same kernel, compiled by NVRTC and not run."
    elif facts.origins.cuda:
        cuda = f"{facts.origins.cuda:,} rows have CUDA text, compiled by NVRTC and not run."
    else:
        cuda = "There is no CUDA text in it: `warpsmith grow --check-cuda` and `warpsmith export --cuda` make it."
    return f"""\
## Known limits

- No GPU was used. {cuda}
- A pair is verified on its inputs and under its options, not for all; gradients *at* kinks are not checked.
- Kernels are drawn from a grammar: they are valid and varied, and compute nothing that anybody needs.
- Kernels on which Warp is wrong (`failures/` in the repository) are not in the corpus.
- Generated text belongs to one release of Warp; another writes other text.
"""


def _regeneration(facts: Facts) -> str:
    commands, others = [], []
    for campaign, progress in facts.campaigns.items():
        found = _CAMPAIGN.fullmatch(campaign)
        if found is None:
            others.append(campaign)
        else:
            categories = " ".join(f"-c {name}" for name in found.group(2).split(","))
            commands.append(
                f"warpsmith grow --seed {found.group(1)} --count {progress.verified} --corpus corpus {categories}"
            )
    versions = "\n".join(
        f"| {warp} | {numpy} | {hypothesis} | {own} | {rows:,} |"
        for (warp, numpy, hypothesis, own), rows in sorted(facts.origins.versions.items())
    )
    told = f"\nRows came from elsewhere, too: {', '.join(others)}.\n" if others else ""
    return f"""\
## How to regenerate it

With the commit of warpsmith that brought these rows, the same versions on the same kind of processor give the same
bytes:

```sh
{chr(10).join(commands) or "# no campaign is on record"}
```
{told}
| Warp | NumPy | Hypothesis | warpsmith | rows |
|---|---|---|---|---|
{versions}

`warpsmith verify DIR --compile` verifies every row again and compiles every text alone; `warpsmith card --corpus DIR`
writes this page.
"""


def _changelog() -> str:
    return f"## Changelog\n\n{CHANGELOG.read_text(encoding='utf-8')}"


def _files(files: Sequence[Path], root: Path) -> str:
    lines = ["## Files\n", "| file | bytes | SHA-256 |", "|---|---|---|"]
    for file in files:
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"| `{file.relative_to(root).as_posix()}` | {len(content):,} | `{digest}` |")
    return "\n".join(lines) + "\n"
