"""The corpus as a table with typed columns: what a person who trains a model of code downloads.

A `DatasetRow` is a record without its syntax tree, with what a reader would have to compute from it: the split,
the two functions of the generated text, sizes, and examples that a translation can be run against.
`write_parquet` lays the rows out as `datasets.load_dataset` reads them without a script::

    README.md                                       the card, whose header names configs and splits
    data/<category>/<split>-00000-of-00002.parquet  zstd

Rows are written as they come: two row groups are in memory, however many rows there are.  `write_parquet` needs the
extra `dataset`.
"""

from __future__ import annotations

import io
import math
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from corpus.record import CorpusError, Record
from corpus.statistics import count_statements
from strategies.language.nodes import (
    Compare,
    Conditional,
    For,
    If,
    Logical,
    Node,
    While,
    children,
    size,
    walk,
)

#: Of the kernels and of the text that Warp generates from them.
LICENCE: Final = "apache-2.0"
#: Rows of one file: 100 to 200 MB before compression.
SHARD_ROWS: Final = 4096
#: Rows of one row group, which is what a reader holds in memory: 10 MB before compression.
GROUP_ROWS: Final = 256
#: zstd's level: level 9 takes three times as long as level 3 and saves a tenth.
COMPRESSION_LEVEL: Final = 3


# ---------------------------------------------------------------- a row


class Value(msgspec.Struct, frozen=True):
    """One parameter's values: `numpy.array(json.loads(values), dtype).reshape(shape)`.

    `values` is JSON, since no column of one type holds 64-bit integers and floats alike exactly; floats are the
    shortest that give the value back in `dtype`.  A vector's components are the last axis of `shape`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str


class Expected(msgspec.Struct, frozen=True):
    """What an array, or its gradient, must hold afterwards; as `Value`.

    `tolerance` says by how much each value may be off (JSON, flat): zero where the comparison is exact, null where
    none is made.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str
    tolerance: str


class Example(msgspec.Struct, frozen=True):
    """One launch: what goes in (outputs hold something before, too), what must come out, and the backward pass.

    `cotangents` are the gradients that outputs are given before the backward pass, all other gradients are zero;
    `gradients` are what the gradients of all arrays must hold after it.
    """

    inputs: tuple[Value, ...] = ()
    outputs: tuple[Expected, ...] = ()
    cotangents: tuple[Value, ...] = ()
    gradients: tuple[Expected, ...] = ()


class Texts(msgspec.Struct, frozen=True):
    """The generated text of a row, and its two functions alone."""

    cpp_forward: str
    cpp_backward: str | None = None
    cuda: str | None = None
    ptx: str | None = None


class DatasetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `COLUMNS` describes its fields."""

    id: str
    split: str
    cluster: int
    kernel_name: str
    category: str
    python: str
    cpp: str
    cpp_forward: str
    cpp_backward: str | None
    cuda: str | None
    ptx: str | None
    features: tuple[str, ...]
    difficulty: int
    statements: int
    nodes: int
    cyclomatic_complexity: int
    nesting: int
    python_bytes: int
    python_tokens: int
    cpp_bytes: int
    cpp_tokens: int
    tier: str
    forward_verified: bool
    backward_verified: bool
    forward_only_reason: str | None
    forward_error: float
    forward_tolerance: float
    gradient_error: float | None
    gradient_tolerance: float | None
    cells_checked: float
    gradients_checked: float
    devices: tuple[str, ...]
    layouts: tuple[str, ...]
    options: str
    launch: tuple[int, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Expected, ...]
    cotangents: tuple[Value, ...]
    gradients: tuple[Expected, ...]
    structure: str
    outline: str
    warp: str
    numpy: str
    hypothesis: str
    warpsmith: str
    seed: int
    index: int
    licence: str


#: The columns, in order, each with what it holds.
COLUMNS: Final[dict[str, str]] = {
    "id": "hash of the kernel's syntax tree",
    "split": "train, validation or test",
    "cluster": "rows of one cluster are alike, and in one split",
    "kernel_name": "the kernel's name in Python and in the generated text",
    "category": "what kind of kernel was drawn",
    "python": "the kernel, with its import",
    "cpp": "the complete C++ that Warp generated for the CPU; it compiles alone with `-I <warp>/native`",
    "cpp_forward": "the forward function alone",
    "cpp_backward": "the backward function alone; null where the kernel's own options ask for none",
    "cuda": "the complete CUDA text, compiled by NVRTC and not run, if the pair was grown or exported with it",
    "ptx": "the PTX that NVRTC made of `cuda`, without unused tables, if the export was asked for it",
    "features": "the constructs, operators, built-ins and types in the kernel",
    "difficulty": "1 to 5: one more for each of over 40 nodes, over 100 nodes, over 4 branches, blocks three deep",
    "statements": "statements, nested ones too",
    "nodes": "nodes of the syntax tree",
    "cyclomatic_complexity": "one more than there are branches, loops, conditional expressions, `and`s and `or`s, and "
    "further comparisons in a chain",
    "nesting": "how deep loops and branches are nested; an `elif` is as deep as its `if`",
    "python_bytes": "UTF-8 bytes of `python`",
    "python_tokens": "lexical tokens of `python` (no model's tokenizer)",
    "cpp_bytes": "UTF-8 bytes of `cpp`",
    "cpp_tokens": "lexical tokens of `cpp` without comments and directives",
    "tier": "backward if gradients were verified too, else forward",
    "forward_verified": "results agree with the reference; true of every row",
    "backward_verified": "gradients agree with finite differences of the reference",
    "forward_only_reason": "why the tier is forward",
    "forward_error": "largest error of a result, relative to its size",
    "forward_tolerance": "the tolerance there",
    "gradient_error": "largest error of a gradient, relative to its size",
    "gradient_tolerance": "the tolerance there",
    "cells_checked": "share of the results that were compared",
    "gradients_checked": "share of the gradients that were compared",
    "devices": "where it was run",
    "layouts": "memory layouts that it was run with",
    "options": "build options, as JSON",
    "launch": "the dimensions of the launch",
    "inputs": "what every parameter holds before the launch, that of a struct field by field (`rho.p`) and an "
    "indexed array as the data below it (`x.data`) and the places along an axis (`x.index0`)",
    "outputs": "what output arrays must hold after it, by the reference; named as `inputs`",
    "cotangents": "gradients of outputs before the backward pass",
    "gradients": "gradients after it, by the reference; empty in the forward tier",
    "structure": "hash of the tree without names and literals",
    "outline": "hash of the tree without names, literals and operators",
    "warp": "version that generated the text",
    "numpy": "version that the reference ran on",
    "hypothesis": "version that drew the kernel",
    "warpsmith": "version that verified it",
    "seed": "of the campaign",
    "index": "in the stream of its category",
    "licence": "SPDX identifier",
}


def make_row(record: Record, split: str, cluster: int, texts: Texts, example: Example) -> DatasetRow:
    """The row of `record`, from what only Warp and the reference can say and what follows from the tree."""
    verified, source = record.verification, record.provenance
    nodes, complexity, nesting = size(record.program), cyclomatic_complexity(record.program), depth(record.program)
    backward = verified.tier == "backward"
    return DatasetRow(
        id=record.id,
        split=split,
        cluster=cluster,
        kernel_name=record.kernel_name,
        category=record.type,
        python=record.python,
        cpp=record.cpp,
        cpp_forward=texts.cpp_forward,
        cpp_backward=texts.cpp_backward,
        cuda=texts.cuda or record.cuda,
        ptx=texts.ptx,
        features=record.features,
        difficulty=1 + (nodes > 40) + (nodes > 100) + (complexity > 4) + (nesting > 2),
        statements=count_statements(record.program),
        nodes=nodes,
        cyclomatic_complexity=complexity,
        nesting=nesting,
        python_bytes=len(record.python.encode()),
        python_tokens=_python_tokens(record.python),
        cpp_bytes=len(record.cpp.encode()),
        cpp_tokens=_cpp_tokens(record.cpp),
        tier=verified.tier,
        forward_verified=True,
        backward_verified=backward,
        forward_only_reason=verified.reason,
        forward_error=verified.forward_error,
        forward_tolerance=verified.forward_tolerance,
        gradient_error=verified.gradient_error if backward else None,
        gradient_tolerance=verified.gradient_tolerance if backward else None,
        cells_checked=verified.cells_checked,
        gradients_checked=verified.gradients_checked,
        devices=verified.devices,
        layouts=verified.layouts,
        options=msgspec.json.encode(verified.options, order="deterministic").decode(),
        launch=verified.launch,
        inputs=example.inputs,
        outputs=example.outputs,
        cotangents=example.cotangents,
        gradients=example.gradients if backward else (),
        structure=record.structure,
        outline=record.outline,
        warp=source.warp,
        numpy=source.numpy,
        hypothesis=source.hypothesis,
        warpsmith=source.warpsmith,
        seed=source.seed,
        index=source.index,
        licence=LICENCE,
    )


def cyclomatic_complexity(node: Node) -> int:
    """One more than the number of decisions (McCabe 1976), those within expressions counted too."""
    decisions = 1
    for below in walk(node):
        match below:
            case If() | For() | While() | Conditional():
                decisions += 1
            case Logical():
                decisions += len(below.operands) - 1
            case Compare():
                decisions += len(below.operators) - 1
    return decisions


def depth(node: Node) -> int:
    """How deep loops and branches are nested in `node`; an `elif` is as deep as its `if`."""
    match node:
        case If(_, body, (If() as other,)):
            return max(1 + _deepest(body), depth(other))
        case If() | For() | While():
            return 1 + _deepest(children(node))
    return _deepest(children(node))


def _deepest(nodes: Iterable[Node]) -> int:
    return max(map(depth, nodes), default=0)


_LAYOUT_TOKENS: Final = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def _python_tokens(python: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(python).readline)
    return sum(token.type not in _LAYOUT_TOKENS for token in tokens)


_LEXEME: Final = re.compile(r"//[^\n]*|^[ \t]*#[^\n]*|\"[^\"\n]*\"|\w+|[^\s\w]", re.MULTILINE)


def _cpp_tokens(cpp: str) -> int:
    return sum(not token.lstrip().startswith(("//", "#")) for token in _LEXEME.findall(cpp))


# ---------------------------------------------------------------- Parquet


def arrow_schema() -> Any:
    """The Arrow schema of a row, with what each column holds as metadata."""
    import pyarrow as pa

    text, count, real, flag = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    value = [("name", text), ("dtype", text), ("shape", pa.list_(count)), ("values", text)]
    plain, expected = pa.list_(pa.struct(value)), pa.list_(pa.struct([*value, ("tolerance", text)]))
    special = {
        **dict.fromkeys(("features", "devices", "layouts"), pa.list_(text)),
        **dict.fromkeys(("inputs", "cotangents"), plain),
        **dict.fromkeys(("outputs", "gradients"), expected),
        "launch": pa.list_(count),
    }
    kinds = {"str": text, "str | None": text, "int": count, "float": real, "float | None": real, "bool": flag}
    fields = [
        pa.field(name, special[name] if name in special else kinds[DatasetRow.__annotations__[name]])
        for name in COLUMNS
    ]
    return pa.schema(fields).with_metadata({name: about.encode() for name, about in COLUMNS.items()})


def write_parquet(rows: Iterable[DatasetRow], out: Path, totals: Mapping[tuple[str, str], int]) -> int:
    """Write `rows`, which come category by category, as Parquet below the folder `out`; returns how many there are.

    `totals` are the rows to expect by category and split, which the names of the files give.  `CorpusError` if the
    folder cannot be written.
    """
    out = Path(out)
    try:
        shards = _Shards(out / "data", totals)
        category: str | None = None
        for row in rows:
            if category not in (None, row.category):
                shards.close()
            category = row.category
            shards.add(row)
        shards.close()
    except OSError as error:
        raise CorpusError(f"cannot write {out}: {error.strerror or error}") from error
    return sum(shards.written.values())


class _Shards:
    """The files of one category at a time, one a split."""

    def __init__(self, folder: Path, totals: Mapping[tuple[str, str], int]) -> None:
        self._folder = folder
        self._totals = totals
        self._schema = arrow_schema()
        self._waiting: dict[tuple[str, str], list[DatasetRow]] = {}
        self._files: dict[tuple[str, str], Any] = {}
        self.written: Counter[tuple[str, str]] = Counter()

    def add(self, row: DatasetRow) -> None:
        key = (row.category, row.split)
        waiting = self._waiting.setdefault(key, [])
        waiting.append(row)
        if len(waiting) == GROUP_ROWS:
            self._flush(key)

    def close(self) -> None:
        """Finish the files that are open."""
        for key in list(self._waiting):
            self._flush(key)
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._waiting.clear()

    def _flush(self, key: tuple[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        waiting = self._waiting[key]
        if not waiting:
            return
        if key not in self._files:
            category, split = key
            shards = max(1, math.ceil(self._totals[key] / SHARD_ROWS))
            path = self._folder / category / f"{split}-{self.written[key] // SHARD_ROWS:05d}-of-{shards:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[key] = pq.ParquetWriter(
                path, self._schema, compression="zstd", compression_level=COMPRESSION_LEVEL
            )
        table = pa.RecordBatch.from_pylist([msgspec.to_builtins(row) for row in waiting], self._schema)
        self._files[key].write_batch(table)
        self.written[key] += len(waiting)
        waiting.clear()
        if self.written[key] % SHARD_ROWS == 0:
            self._files.pop(key).close()
