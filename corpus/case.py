"""A shrunken failure: a program, the explicit inputs it fails on, and what was seen.

A case holds its inputs as numbers rather than a seed, so that it means the same under any version of any
library.  Like a record it never holds text that is executed: the source is rendered from the syntax tree.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from corpus.record import (
    MEANINGLESS,
    CorpusError,
    DamagedRecord,
    Provenance,
    check_names,
    upgrade,
)
from strategies.language import types
from strategies.language.nodes import Parameter, Program, decode_type, encode_type
from strategies.language.render import render
from strategies.language.types import Array, Composite

#: The version of the form of a case.
SCHEMA: Final = 1

#: Where a corpus keeps its cases: one in a folder for each bucket.
FAILURES: Final = "failures"
CASE: Final = "case.json"
#: Where cases lie that their own scripts do not reproduce: they failed once, and not when they were run by themselves.
UNREPRODUCED: Final = "unreproduced"

#: A bucket names a folder.
BUCKET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=-]{0,127}")

_NON_FINITE: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_FLOAT_FORMATS: Final = {"float16": "<e", "float32": "<f", "float64": "<d"}


class DamagedCase(CorpusError):
    """A stored case that cannot be read or contradicts itself; `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# ---------------------------------------------------------------- the form


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The values of one parameter, as NumPy would hold them.

    `dtype` is a scalar type; `shape` is the array's shape in elements, followed by the length of a vector if
    the elements are vectors, and () for a scalar parameter; `values` are flat, the last axis varying fastest.
    JSON has no number for a non-finite float: those are the strings ``"nan"``, ``"inf"`` and ``"-inf"``.  The
    payload of a NaN is not kept.
    """

    dtype: str
    shape: tuple[int, ...]
    values: tuple[bool | int | float | str, ...]

    def __post_init__(self) -> None:
        if any(extent < 0 for extent in self.shape):
            raise ValueError(f"{list(self.shape)} is no shape")
        if len(self.values) != math.prod(self.shape):
            raise ValueError(f"{len(self.values)} values do not fill the shape {list(self.shape)}")
        fits = _fits(self.dtype)
        for value in self.values:
            if not fits(value):
                raise ValueError(f"{value!r} is not a value of type {self.dtype}")

    @classmethod
    def of(cls, dtype: str, shape: Iterable[int], flat: Iterable[bool | int | float]) -> Values:
        """The values `flat`: Python numbers as NumPy's ``tolist`` gives them, non-finite ones too."""
        if types.scalar(dtype).is_float:
            flat = (float(value) for value in flat)
        return cls(dtype, tuple(shape), tuple(_spelled(value) for value in flat))

    def numbers(self) -> tuple[bool | int | float, ...]:
        """The values as numbers, flat."""
        return tuple(_NON_FINITE[v] if isinstance(v, str) else v for v in self.values)


def _spelled(value: bool | int | float) -> bool | int | float | str:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _fits(dtype: str) -> Callable[[object], bool]:
    """Whether a value is exactly one of scalar type `dtype`."""
    of = types.scalar(dtype)
    if of.kind == "bool":
        return lambda value: isinstance(value, bool)
    low, high = of.limits
    if of.is_integer:
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    form = _FLOAT_FORMATS[dtype]

    def exact(value: object) -> bool:
        if isinstance(value, str):
            return value in _NON_FINITE
        if not isinstance(value, float) or not math.isfinite(value):
            return False
        try:
            return bool(struct.unpack(form, struct.pack(form, value))[0] == value)
        except OverflowError:
            return False

    return exact


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One failure, shrunken.

    `bucket` is what makes two failures one bug and names the folder; `kind` is the kind of failure;
    `inputs` are the values of all parameters by name, or none where the failure needs no launch;
    `cotangents` are the gradients that were fed back, by the name of the array; `layout` and `options` are
    the memory layout and the build options under which it fails; `evidence` says what was expected, what was
    seen, and where, as `plain_json` gives it.  A failure of Warp's front end is one of a text that no typed program
    has: then `source` is the text, and `program` a stub that says nothing.
    """

    schema: int = SCHEMA
    bucket: str
    kind: str
    program: Program
    inputs: dict[str, Values]
    cotangents: dict[str, Values]
    layout: str
    options: dict[str, int | bool | str]
    evidence: dict[str, Any]
    provenance: Provenance
    source: str = ""

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}")
        check_bucket(self.bucket)
        if plain_json(self.evidence) != self.evidence:
            raise ValueError("the evidence is not plain JSON with finite numbers; see plain_json")


def check_bucket(bucket: str) -> None:
    """Raises `ValueError` unless `bucket` can name a folder."""
    if not BUCKET.fullmatch(bucket):
        raise ValueError(f"{bucket!r} is no name for a bucket")


def plain_json(value: object) -> Any:
    """`value` as plain JSON: tuples as lists, and non-finite floats as ``"nan"``, ``"inf"``, ``"-inf"``.

    `TypeError` for what JSON cannot hold.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return _spelled(value)
        case list() | tuple():
            return [plain_json(item) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise TypeError("the keys of JSON are strings")
            return {key: plain_json(item) for key, item in value.items()}
    raise TypeError(f"{value!r} has no JSON form")


# ---------------------------------------------------------------- JSON


class _Version(msgspec.Struct):
    schema: int


_encoder = msgspec.json.Encoder(enc_hook=encode_type, order="deterministic")
_decoder = msgspec.json.Decoder(Case, dec_hook=decode_type)
_version = msgspec.json.Decoder(_Version)

#: How a case of an older schema becomes one of the next schema, by the older schema's number.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def encode_case(case: Case) -> bytes:
    """`case` as one line of JSON, without the newline; equal cases give equal bytes."""
    return _encoder.encode(case)


def decode_case(text: bytes) -> Case:
    """The case written as `text`, upgraded if its schema is an older one; `DamagedCase` if there is none."""
    try:
        version = _version.decode(text).schema
        if version == SCHEMA:
            return _decoder.decode(text)
        upgraded = upgrade(msgspec.json.decode(text), version, SCHEMA, UPGRADES)
        return msgspec.convert(upgraded, Case, dec_hook=decode_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedCase(f"not a case: {error}") from error
    except DamagedRecord as error:
        raise DamagedCase(error.reason) from error
    except RecursionError as error:
        raise DamagedCase("not a case: it is nested too deeply") from error


def check_case(case: Case) -> None:
    """Raises `DamagedCase` unless the program renders and the values fit its parameters."""
    try:
        check_names(case.program)
        render(case.program)
    except (*MEANINGLESS, RecursionError) as error:
        raise DamagedCase(f"case {case.bucket}: its syntax tree has no meaning ({error!r})") from error
    parameters = {parameter.name: parameter for parameter in case.program.parameters}
    for role, given in (("input", case.inputs), ("cotangent", case.cotangents)):
        for name, values in given.items():
            if name not in parameters:
                raise DamagedCase(f"case {case.bucket}: {role} {name!r} is no parameter of its kernel")
            wanted = _wanted(parameters[name])
            if (values.dtype, values.shape) != wanted:
                raise DamagedCase(
                    f"case {case.bucket}: {role} {name!r} is {values.dtype} of shape {list(values.shape)}, "
                    f"but its kernel takes {wanted[0]} of shape {list(wanted[1])}"
                )
    missing = [name for name in parameters if name not in case.inputs]
    if case.inputs and missing:
        raise DamagedCase(f"case {case.bucket}: there is no input for {', '.join(missing)}")


def _wanted(parameter: Parameter) -> tuple[str, tuple[int, ...]]:
    """The dtype and the shape of the values of `parameter`."""
    of = parameter.type
    shape = parameter.shape
    if isinstance(of, Array):
        of = of.dtype
    if isinstance(of, Composite):
        shape = (*shape, of.length)
    return types.element_scalar(of).notation, shape
