"""The values a kernel is run on: a function of the program, a seed and a flavour, of nothing else."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any, Final

import numpy as np

from harness.oracle.lanes import Values, uniform
from strategies.language import types
from strategies.language.hashing import content_hash
from strategies.language.nodes import Parameter, Program
from strategies.language.types import Array, Composite, Scalar, Type

#: Generic floats keep this share of their range away from its ends, so that a step of a finite difference
#: does not leave it.
_INSET: Final = 1 / 128
#: Values at which built-ins have kinks, special cases or signs to lose.
_SPECIAL_FLOATS: Final = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    2.0,
    -2.0,
    3.0,
    2.0**-20,
    -(2.0**-20),
)
#: Below the smallest normal number, where a float loses precision, and just above it.
_TINY_FLOATS: Final = {
    "float16": (5 * 2.0**-24, -(3 * 2.0**-24), 1.5 * 2.0**-14),
    "float32": (5 * 2.0**-149, -(3 * 2.0**-140), 1.5 * 2.0**-126),
    "float64": (5 * 2.0**-1074, -(3 * 2.0**-1060), 1.5 * 2.0**-1022),
}
#: Of 100 places in an array, how many hold what is no finite number while all other arrays are finite there, so that
#: each operand meets it alone; no more places than `_MOST_ALONE` of 100 are of that kind.
_ALONE: Final = 16
_MOST_ALONE: Final = 70
#: Of 100 places, in how many all arrays do; of 100 components at such places, and of 100 scalars, how many are none.
_TOGETHER: Final = 8
_NONFINITE_COMPONENTS: Final = 35
_NONFINITE_SCALARS: Final = 8
_NONFINITE: Final = (np.nan, np.nan, np.inf, -np.inf)
#: No rotation in both of its signs, half turns and quarter turns about the axes, and two that have no equal components.
_SPECIAL_ROTATIONS: Final = (
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 0.0, -1.0),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.5, 0.0, 0.0, 0.5),
    (0.0, -0.5, 0.0, 0.5),
    (0.0, 0.0, 0.5, -0.5),
    (0.5, 0.5, 0.5, 0.5),
    (-0.5, 0.25, 1.0, 0.0),
    (0.25, 0.5, -0.75, 1.0),
)
#: Of 100 floats that outputs hold before the launch, how many are special: what is added up or compared begins with
#: zero, mostly.
_SPECIAL_BEFORE: Final = 20
_SMALLEST_QUATERNION: Final = 0.25
_SPECIAL_INTEGERS: Final = (0, 1, -1, 2, -2, 3, 7, -7)
#: Cotangents: both signs, no two alike in size, short enough to be exact in float16.
_COTANGENT_STEP: Final = 1 / 64


class Flavour(Enum):
    """What kind of values a launch gets."""

    #: spread evenly; no ties and no kinks but by chance
    GENERIC = "generic"
    #: zeros, signed zeros, ones, halves, ties, the ends of the range
    SPECIAL = "special"
    #: generic values, and here and there NaN or an infinity
    NONFINITE = "nonfinite"


def numpy_dtype(of: Type) -> np.dtype[Any]:
    """The NumPy type of the scalars that values of type `of` are made of."""
    scalar = types.element_scalar(of)
    return np.dtype("?" if scalar.kind == "bool" else scalar.notation)


def components(of: Type) -> tuple[int, ...]:
    """The trailing axis that one value of type `of` has; the numbers of a matrix are one axis, row by row."""
    element = of.dtype if isinstance(of, Array) else of
    return (element.length,) if isinstance(element, Composite) else ()


def form(of: Type) -> str:
    """How the components of one value of type `of` are put together; the empty string for a scalar."""
    element = of.dtype if isinstance(of, Array) else of
    return element.form if isinstance(element, Composite) else ""


def derive(program: Program, seed: int, flavour: Flavour, like: Program | None = None) -> dict[str, Values]:
    """The values of every parameter: cells[, components] for arrays, (1[, components]) for others.

    What outputs hold before the launch has no flavour: a result that differs between two flavours depends on
    inputs.  Each program has values of its own; those of `like`, which has the same parameters, if it is given.
    """
    label = f"inputs/{content_hash(like or program)}/{seed}"
    found = {}
    for n, parameter in enumerate(program.parameters):
        own = Flavour.GENERIC if parameter.output else flavour
        found[parameter.name] = _draw(parameter, f"{label}/{own.value}/{n}", own)
    if flavour is Flavour.NONFINITE:
        _put_nonfinite(program, found, f"{label}/nonfinite")
    return found


def _put_nonfinite(program: Program, found: dict[str, Values], label: str) -> None:
    """Put NaN and infinities into the inputs in `found`, at most places into one array of them.

    A thread that reads its own elements is at one place in all arrays; what else it reads is as likely elsewhere.
    """
    floats = [p for p in program.parameters if not p.output and types.element_scalar(p.type).is_float]
    arrays = [p.name for p in floats if isinstance(p.type, Array)]
    chosen, way = uniform(label, 2 * max((len(found[name]) for name in arrays), default=1)).reshape(2, -1)
    for parameter in floats:
        values = found[parameter.name]
        raw = uniform(f"{label}/{parameter.name}", 2 * values.size).reshape(2, *values.shape)
        if parameter.name not in arrays:
            picked = np.array(_NONFINITE)[np.floor(raw[1] * len(_NONFINITE)).astype(int)]
            found[parameter.name] = np.where(raw[0] * 100 < _NONFINITE_SCALARS, picked, values).astype(values.dtype)
            continue
        cells = len(values)
        alone = way * 100 < min(_ALONE * len(arrays), _MOST_ALONE)
        own = alone & (np.floor(chosen * len(arrays)) == arrays.index(parameter.name))
        there = own[:cells] | (way[:cells] * 100 >= 100 - _TOGETHER)
        there[int(raw.flat[0] * cells)] |= not there.any()
        if values.ndim > 1:
            there = there[:, None] & (raw[0] * 100 < _NONFINITE_COMPONENTS)
        values[there] = np.array(_NONFINITE)[_deal(len(_NONFINITE), raw[1][there], f"{label}/{parameter.name}")]


def _deal(count: int, places: Values, label: str) -> Values:
    """For each of `places`, which hold random numbers, one of `count` choices: each as often as any, or once more.

    By chance alone, each choice of fifteen would be left out of every third array of sixteen cells.
    """
    order = np.argsort(uniform(f"{label}/choices", count), kind="stable")
    found = np.empty(places.size, dtype=int)
    found[np.argsort(places, axis=None, kind="stable")] = np.resize(order, places.size)
    return found.reshape(places.shape)


def derive_cotangents(program: Program, seed: int, like: Program | None) -> dict[str, Values]:
    """A cotangent, as float64, for every output array of floats; `like` as for `derive`."""
    label = f"cotangents/{content_hash(like or program)}/{seed}"
    found = {}
    for n, parameter in enumerate(program.parameters):
        if parameter.output and types.element_scalar(parameter.type).is_float:
            shape = _shape(parameter)
            raw = uniform(f"{label}/{n}", 2 * math.prod(shape)).reshape(2, *shape)
            size = 0.5 + _COTANGENT_STEP * np.floor(raw[0] * 64)
            found[parameter.name] = np.where(raw[1] < 0.5, -size, size)
    return found


def derive_starts(program: Program, seed: int, like: Program | None) -> dict[str, Values]:
    """What the gradient of every input array holds before a backward pass that adds to it: floats as cotangents are,
    small whole numbers for integers; `like` as for `derive`."""
    label = f"starts/{content_hash(like or program)}/{seed}"
    found = {}
    for n, parameter in enumerate(program.arrays):
        scalar = types.element_scalar(parameter.type)
        if not parameter.output and scalar.kind != "bool":
            shape = _shape(parameter)
            raw = uniform(f"{label}/{n}", 2 * math.prod(shape)).reshape(2, *shape)
            size = 0.5 + _COTANGENT_STEP * np.floor(raw[0] * 64)
            found[parameter.name] = (
                np.where(raw[1] < 0.5, -size, size) if scalar.is_float else np.floor(4 * size).astype(np.int64)
            )
    return found


def _shape(parameter: Parameter) -> tuple[int, ...]:
    return (math.prod(parameter.shape), *components(parameter.type))


def _draw(parameter: Parameter, label: str, flavour: Flavour) -> Values:
    shape = _shape(parameter)
    scalar = types.element_scalar(parameter.type)
    count = math.prod(shape)
    raw = uniform(label, 2 * count).reshape(2, count)
    special = flavour is Flavour.SPECIAL
    if scalar.is_float:
        values = _floats(parameter, raw, flavour, label)
    else:
        values = _integers(parameter, raw, special, scalar, label)
    values = values.reshape(shape)
    if form(parameter.type) in ("quat", "transform"):
        _rotations(values[..., -4:], parameter, raw.reshape(2, *shape)[..., -1], special, label)
    return values.astype(numpy_dtype(parameter.type))


def _rotations(quaternions: Values, parameter: Parameter, raw: Values, special: bool, label: str) -> None:
    """Put the identity in the place of quaternions that nearly vanish, and other special ones in most places if asked.

    A quaternion is mostly divided by its length: what is nearly nothing stands for no rotation.
    """
    choices = [q for q in _SPECIAL_ROTATIONS if parameter.low <= min(q) and max(q) <= parameter.high]
    if special and choices:
        picked = np.array(choices)[_deal(len(choices), raw[1], label)]
        quaternions[...] = np.where((raw[0] < 0.75)[..., None], picked, quaternions)
    small = np.sum(quaternions * quaternions, axis=-1, keepdims=True) < _SMALLEST_QUATERNION**2
    if parameter.low <= 0 and parameter.high >= 1:
        quaternions[...] = np.where(small, _SPECIAL_ROTATIONS[0], quaternions)


def _floats(parameter: Parameter, raw: Values, flavour: Flavour, label: str) -> Values:
    low, high = float(parameter.low), float(parameter.high)
    inset = (high - low) * _INSET
    values: Values = low + inset + raw[0] * (high - low - 2 * inset)
    if parameter.output and flavour is Flavour.GENERIC:
        choices = np.array([v for v in _SPECIAL_FLOATS if low <= v <= high])
        if choices.size:
            # half of them are zero, if it may be
            picked = choices[np.floor(raw[1] * 200 / _SPECIAL_BEFORE * choices.size).astype(int) % choices.size]
            picked = np.where((raw[1] * 100 < _SPECIAL_BEFORE / 2) & (low <= 0 <= high), 0.0, picked)
            values = np.where(raw[1] * 100 < _SPECIAL_BEFORE, picked, values)
    if flavour is Flavour.SPECIAL:
        tiny = _TINY_FLOATS[types.element_scalar(parameter.type).notation]
        choices = np.array([v for v in (*_SPECIAL_FLOATS, *tiny, low, high) if low <= v <= high])
        picked = choices[_deal(choices.size, raw[1], label)]
        values = np.where(raw[0] < 0.75, picked, values)
    return values


def _integers(parameter: Parameter, raw: Values, special: bool, scalar: Scalar, label: str) -> Values:
    low, high = int(parameter.low), int(parameter.high)
    if scalar.kind == "bool":
        truths: Values = raw[0] < 0.5
        return truths
    if parameter.distinct:
        # the order of random numbers is one of all orders, each as likely
        order = np.argsort(uniform(f"{label}/order", high - low + 1), kind="stable")
        return (low + order[: raw.shape[1]]).astype(np.int64)
    values = [low + int(r * (high - low + 1)) for r in raw[0]]
    if special:
        choices = [v for v in (*_SPECIAL_INTEGERS, low, high) if low <= v <= high]
        dealt = _deal(len(choices), raw[1], label)
        values = [choices[k] if raw[0][n] < 0.75 else values[n] for n, k in enumerate(dealt)]
    return np.array(values, dtype=np.uint64 if scalar.kind == "uint" else np.int64)
