"""A verified pair: a kernel as Python, the C++ that Warp made of it, and the evidence that they agree.

A record is one line of JSON.  Reading one never executes text from the file: the source is rendered anew
from the syntax tree and must equal what is stored (`check_record`).
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from strategies.language import nodes, types
from strategies.language.hashing import content_hash, outline_hash, structure_hash
from strategies.language.nodes import (
    Apply,
    Atomic,
    AugmentedAssign,
    Compare,
    Element,
    Extent,
    Logical,
    Node,
    Parameter,
    Program,
    TileStore,
    decode_type,
    encode_type,
)
from strategies.language.render import COMPARISONS, render
from strategies.language.rules import WARPS_OWN
from strategies.language.types import Array, Composite, Struct, Type, Vector

#: The version of the form of a record.  A change of form adds a row to `UPGRADES`.
SCHEMA: Final = 1

#: A category names a file and a bucket a folder, so neither may hold a separator or begin with a dot.
CATEGORY: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

#: What rendering or hashing a tree of a valid form without a valid meaning may raise.
MEANINGLESS: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


class CorpusError(Exception):
    """Something about a corpus that the person at the keyboard has to know, in one sentence."""


class DamagedCorpus(CorpusError):
    """A file of the corpus holds something that nothing here wrote; it is left as it is."""


class DamagedRecord(CorpusError):
    """A stored record that cannot be read or contradicts itself; `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# ---------------------------------------------------------------- the form


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a pair was verified and how close the right answers were.

    Errors and tolerances are relative to the size of the values compared: the largest error, and the
    tolerance where it was found.  `cells_checked` and `gradients_checked` are shares between 0 and 1 of what
    could have been checked.  `reason` names the documented limit that keeps a pair in the forward tier;
    gradient figures are None where no gradient was compared.  `inputs_seed` derives the inputs of the
    launch; `layouts` and `options` are the memory layouts and the build options it ran under.
    """

    tier: Literal["forward", "backward"]
    reason: str | None = None
    devices: tuple[str, ...]
    forward_error: float
    forward_tolerance: float
    gradient_error: float | None = None
    gradient_tolerance: float | None = None
    cells_checked: float
    gradients_checked: float
    median_gradient_tolerance: float | None = None
    inputs_seed: int
    launch: tuple[int, ...]
    layouts: tuple[str, ...]
    options: dict[str, int | bool | str]

    def __post_init__(self) -> None:
        for name in _FIGURES:
            figure = getattr(self, name)
            if figure is None and name in _OPTIONAL_FIGURES:
                continue
            if not math.isfinite(figure):
                raise ValueError(f"{name} is {figure}, not a finite number")
            # One spelling of a number: an int or a NumPy scalar would be written otherwise than it is read.
            msgspec.structs.force_setattr(self, name, float(figure))
        for name in ("cells_checked", "gradients_checked"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{name} is {share}, not a share between 0 and 1")
        if (self.tier == "forward") != (self.reason is not None):
            raise ValueError("a reason is given for the forward tier, and for that one only")


_OPTIONAL_FIGURES: Final = ("gradient_error", "gradient_tolerance", "median_gradient_tolerance")
_FIGURES: Final = (
    "forward_error",
    "forward_tolerance",
    *_OPTIONAL_FIGURES,
    "cells_checked",
    "gradients_checked",
)


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a program came from: versions, the seed, and the index within its category's stream."""

    warp: str
    numpy: str
    hypothesis: str
    warpsmith: str
    seed: int
    index: int


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One verified pair.

    `id` is the content hash of `program`; `type` is its category; `python` is its rendered source, `cpp` and
    `cuda` the text that Warp generated for the kernel; `structure` and `outline` are hashes that forget names
    and values, and then operators; `features` are the names of the constructs in it, see `features`.
    """

    schema: int = SCHEMA
    id: str
    kernel_name: str
    type: str
    python: str
    cpp: str
    cuda: str | None = None
    program: Program
    structure: str
    outline: str
    features: tuple[str, ...]
    verification: Verification
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}")
        if not CATEGORY.fullmatch(self.type):
            raise ValueError(f"{self.type!r} is no name for a category")


def make_record(
    program: Program, *, cpp: str, cuda: str | None = None, verification: Verification, provenance: Provenance
) -> Record:
    """The record of `program`, with all that follows from the syntax tree computed."""
    return Record(
        **_derived(program),
        cpp=cpp,
        cuda=cuda,
        program=program,
        verification=verification,
        provenance=provenance,
    )


def _derived(program: Program) -> dict[str, Any]:
    """Every field of a record that follows from its syntax tree."""
    return {
        "id": content_hash(program),
        "kernel_name": program.name,
        "type": program.category,
        "python": render(program),
        "structure": structure_hash(program),
        "outline": outline_hash(program),
        "features": features(program),
    }


def features(program: Program) -> tuple[str, ...]:
    """The sorted names of the constructs in `program`, each written ``kind:name``.

    ``node:for`` a kind of statement or expression; ``op:sin`` an operator or built-in function, including
    atomics; ``augmented:add`` an operator of an augmented assignment; ``compare:<``; ``logical:and``;
    ``type:float32`` a scalar type of any value; ``vector:3`` a vector length; ``array:2`` the dimensions of
    an array parameter; ``member:vector`` a kind of field of a struct; ``launch:1`` the dimensions of the launch.
    """
    found = {f"launch:{len(program.launch)}"}
    for node in nodes.walk(program):
        if not isinstance(node, Program | Parameter):
            found.add(f"node:{node.__struct_config__.tag}")
        if isinstance(of := getattr(node, "type", None), Type):
            found.update(_type_features(of))
        found.update(_operator_features(node))
    return tuple(sorted(found))


def _type_features(of: Type) -> set[str]:
    found = {f"type:{scalar.notation}" for scalar in types.scalars_of(of)}
    if isinstance(of, Struct):
        found.update(*(_type_features(field) for _, field in of.fields))
        found.update(f"member:{_member(field)}" for _, field in of.fields)
    if isinstance(of, Array):
        found.add(f"array:{of.ndim}")
        of = of.dtype
    if isinstance(of, Vector):
        found.add(f"vector:{of.length}")
    elif isinstance(of, Composite):
        found.add(f"form:{of.form}")
    return found


def _member(of: Type) -> str:
    """What kind of thing a field is."""
    match of:
        case Array():
            return "array"
        case Struct():
            return "struct"
        case Vector():
            return "vector"
    return "scalar"


def _operator_features(node: Node) -> set[str]:
    match node:
        case Apply() | Atomic() | TileStore():
            return {f"op:{node.op}"}
        case AugmentedAssign():
            return {f"augmented:{node.operator}"}
        case Compare():
            return {f"compare:{operator}" for operator in node.operators}
        case Logical():
            return {f"logical:{node.operator}"}
    return set()


# ---------------------------------------------------------------- JSON


class _Version(msgspec.Struct):
    schema: int


_encoder = msgspec.json.Encoder(enc_hook=encode_type, order="deterministic")
_decoder = msgspec.json.Decoder(Record, dec_hook=decode_type)
_version = msgspec.json.Decoder(_Version)

#: How a record of an older schema becomes one of the next schema, by the older schema's number.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def encode_record(record: Record) -> bytes:
    """`record` as one line of JSON, without the newline; equal records give equal bytes."""
    return _encoder.encode(record)


def decode_record(line: bytes) -> Record:
    """The record written as `line`, upgraded if its schema is an older one.

    Raises `DamagedRecord` if there is none; use `check_record` to see whether it is true to itself.
    """
    try:
        version = _version.decode(line).schema
        if version == SCHEMA:
            return _decoder.decode(line)
        upgraded = upgrade(msgspec.json.decode(line), version, SCHEMA, UPGRADES)
        return msgspec.convert(upgraded, Record, dec_hook=decode_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedRecord(f"not a record: {error}") from error
    except RecursionError as error:
        raise DamagedRecord("not a record: it is nested too deeply") from error


def upgrade(
    plain: dict[str, Any],
    version: int,
    current: int,
    table: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]],
) -> dict[str, Any]:
    """`plain` of schema `version` as one of schema `current`; `DamagedRecord` if `table` has no way there."""
    if version > current:
        raise DamagedRecord(
            f"it has schema {version}, but this version of warpsmith reads schemas up to {current}; install a newer one"
        )
    while version < current:
        if version not in table:
            raise DamagedRecord(f"it has schema {version}, which never was one")
        try:
            plain = table[version](plain)
        except MEANINGLESS as error:
            raise DamagedRecord(f"it cannot be upgraded from schema {version}: {error!r}") from error
        version += 1
    return plain


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _parts(node: Node, text: str, structs: frozenset[str]) -> list[str]:
    """What must be a name each: a part of a struct or an indexed array goes by a dotted one, as a parameter."""
    if isinstance(node, Parameter | Element | Extent | Atomic | nodes.Name) and text.partition(".")[0] in structs:
        return text.split(".")
    return [text]


def check_names(program: Program) -> None:
    """Raises `ValueError` unless every string in `program` can only be rendered to a name or an operator.

    Source that is rendered from a file is run sooner or later; so a name that is more than a name is refused
    before it becomes source.
    """
    inner = (p.name for f in program.functions for p in f.parameters if isinstance(p.type, Struct))
    structs = frozenset((*(p.name for p in program.structs), *(p.name for p in program.indexed), *inner))
    for node in nodes.walk(program):
        for field in node.__struct_fields__:
            value = getattr(node, field)
            for text in value if isinstance(value, tuple) else (value,):
                if not isinstance(text, str) or (isinstance(node, Logical) and text in ("and", "or")):
                    continue
                if isinstance(node, nodes.Constant) and text in WARPS_OWN:
                    continue
                if isinstance(node, Compare):
                    if text not in COMPARISONS:
                        raise ValueError(f"{text!r} is no comparison")
                elif not all(
                    _NAME.fullmatch(part) and not keyword.iskeyword(part) for part in _parts(node, text, structs)
                ):
                    raise ValueError(f"{text!r} is no name")


_CLAIMS: Final = {
    "python": "the stored Python differs from what its syntax tree renders to",
    "id": "the stored id is not the hash of its syntax tree",
    "kernel_name": "the stored kernel name is not that of its syntax tree",
    "type": "the stored type is not the category of its syntax tree",
    "structure": "the stored structure is not that of its syntax tree",
    "outline": "the stored outline is not that of its syntax tree",
    "features": "the stored features are not those of its syntax tree",
}


def check_record(record: Record) -> None:
    """Raises `DamagedRecord` unless all that follows from the syntax tree is what is stored."""
    called = f"record {record.id[:12]}…"
    try:
        check_names(record.program)
        derived = _derived(record.program)
    except (*MEANINGLESS, RecursionError) as error:
        raise DamagedRecord(f"{called}: its syntax tree has no meaning ({error!r})") from error
    for field, claim in _CLAIMS.items():
        if getattr(record, field) != derived[field]:
            raise DamagedRecord(f"{called}: {claim}")
