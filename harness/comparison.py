"""How what a build gave is compared with what it must give, and how a difference is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.jobs import JobResult, LaunchResult
from harness.launches import GENERIC
from harness.oracle.expectation import Cells, Expectation
from harness.oracle.lanes import Values
from harness.oracle.tolerance import largest, sizes
from harness.verdict import Failure, FailureKind, Figures, Tier
from strategies.language import types
from strategies.language.nodes import Parameter, Program


@dataclass(frozen=True)
class Wrong:
    """A cell that is outside its tolerance."""

    cell: tuple[int, ...]
    expected: float
    actual: float
    tolerance: float


#: By how much a zero of the wrong sign is off: more than nothing.
_LEAST: Final = 2.0**-1074


def same(a: Values, b: Values) -> bool:
    """Whether two arrays hold the same values, NaNs included."""
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def off_by(cells: Cells, actual: Values) -> Values:
    """By how much each cell is off; zero where it is right to the bit, infinite where one is not a number."""
    if actual.dtype.kind == "b" or cells.expected.dtype.kind == "b":
        differs: Values = actual != cells.expected
        return differs.astype(np.float64)
    equal = actual == cells.expected
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(actual.astype(np.float64) - cells.expected.astype(np.float64))
    if actual.dtype.kind in "iu":
        off = np.maximum(off, 1.0)  # neighbours of a large 64-bit integer are the same float
    else:
        both = np.isnan(actual) & np.isnan(cells.expected.astype(np.float64))
        off = np.where(both, 0.0, np.where(np.isnan(off), np.inf, off))
        if cells.signed:
            turned = equal & (np.signbit(actual) != np.signbit(cells.expected))
            equal, off = equal & ~turned, np.where(turned, _LEAST, off)
    return np.where(equal, 0.0, off)


def worst(cells: Cells, actual: Values) -> Wrong | None:
    """The cell that is furthest outside its tolerance, if one is outside."""
    actual = actual.reshape(cells.expected.shape)
    off = off_by(cells, actual)
    outside = cells.checked & (off > cells.tolerance)
    if not outside.any():
        return None
    excess = np.where(outside, off - cells.tolerance, -1.0)
    at = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return Wrong(tuple(int(n) for n in at), float(cells.expected[at]), float(actual[at]), float(cells.tolerance[at]))


def exactly(values: Values) -> Cells:
    """Cells that must hold `values`."""
    return Cells(values, np.zeros(values.shape), np.ones(values.shape, bool))


def _circumstance(launch: str) -> str:
    """What is special about a launch, for the message of a failure; its name follows if it is that of an array."""
    kind, _, array = launch.partition(" ")
    match kind:
        case "copied":
            return ", through a copy on the same tape"
        case "accumulated":
            return ", added to what was there"
        case "reused":
            return ", of a tape that is cleared and run backwards again"
        case "again":
            return ", after a second backward pass"
        case "withheld":
            return f", where {array} has no gradient"
    return ""


def mismatch(kind: FailureKind, parameter: Parameter, wrong: Wrong, launch: str) -> Failure:
    """The failure of an array, or of its gradient, that holds something else than it must."""
    gradient = kind is FailureKind.BACKWARD_MISMATCH
    what = f"the gradient of {parameter.name}" if gradient else parameter.name
    return Failure(
        kind,
        f"{what} at {list(wrong.cell)}{_circumstance(launch)}: expected {wrong.expected!r}, got {wrong.actual!r}",
        parameter.name,
        gradient,
        wrong.cell,
        wrong.expected,
        wrong.actual,
        wrong.tolerance,
        launch,
    )


def cell_at(parameter: Parameter, index: tuple[int, ...]) -> tuple[int, ...]:
    """The cell of an array by its position in C order, and the component, from an index of both."""
    rank = len(parameter.shape)
    return (int(np.ravel_multi_index(index[:rank], parameter.shape)), *index[rank:])


def disagreement(
    kind: FailureKind,
    parameter: Parameter,
    one: Values,
    other: Values,
    ways: tuple[str, str],
    launch: str,
    gradient: bool,
) -> Failure | None:
    """The failure of an array, or of its gradient, in which two ways to run a kernel left something else.

    It is of the first cell that differs, as `cell_at` names it.
    """
    differs = (one != other) & ~((one != one) & (other != other))
    if not differs.any():
        return None
    index = tuple(int(n) for n in np.argwhere(differs)[0])
    at, first, second = cell_at(parameter, index), one[index], other[index]
    what = f"the gradient of {parameter.name}" if gradient else parameter.name
    message = f"{what} at {list(at)}: {first!r} {ways[0]}, {second!r} {ways[1]}"
    return Failure(kind, message, parameter.name, gradient, at, float(first), float(second), 0.0, launch)


def layout_mismatch(parameter: Parameter, plain: Values, strided: Values, gradient: bool) -> Failure | None:
    """The failure of an array, or of its gradient, that holds something else where arrays are strided."""
    ways = ("from contiguous arrays", "from strided ones")
    return disagreement(FailureKind.LAYOUT_MISMATCH, parameter, plain, strided, ways, "strided", gradient)


def written_outputs(program: Program, launch: LaunchResult) -> Sequence[tuple[Parameter, Values]]:
    """The arrays that a kernel writes, each with what a launch left in it."""
    return [
        (parameter, array.data)
        for parameter, array in zip(program.parameters, launch.arrays, strict=True)
        if parameter.output and array is not None
    ]


def figures_of(expectation: Expectation, result: JobResult, tier: Tier) -> Figures:
    """How close the verified program came to its tolerances."""
    forward = [
        _closest(expectation.outputs[p.name], actual)
        for p, actual in written_outputs(expectation.program, result.launches[GENERIC])
    ]
    backward, tolerances = [], []
    if tier is Tier.BACKWARD:
        for parameter, array in zip(expectation.program.parameters, result.launches[GENERIC].arrays, strict=True):
            if array is None or array.gradient is None or parameter.output:
                continue
            cells = expectation.gradients[parameter.name]
            if types.element_scalar(parameter.type).is_float:
                backward.append(_closest(cells, array.gradient.reshape(cells.expected.shape)))
                size = sizes(cells.expected, largest(cells.expected))
                meaningful = cells.checked & (size > 0)
                tolerances += list((cells.tolerance[meaningful] / size[meaningful]).ravel())
    error, allowed = max(forward, default=(0.0, 0.0))
    gradient_error, gradient_allowed = max(backward, default=(0.0, 0.0))
    return Figures(
        forward_error=error,
        forward_tolerance=allowed,
        gradient_error=gradient_error,
        gradient_tolerance=gradient_allowed,
        cells_checked=expectation.cells_checked,
        gradients_checked=expectation.gradients_checked if tier is Tier.BACKWARD else 0.0,
        median_gradient_tolerance=float(np.median(tolerances)) if tolerances else None,
    )


def _closest(cells: Cells, actual: Values) -> tuple[float, float]:
    """The largest error relative to size, with the tolerance there."""
    wanted = cells.expected.astype(np.float64)
    size = sizes(wanted, largest(wanted))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(cells.checked & (size > 0), off_by(cells, actual.reshape(cells.expected.shape)) / size, 0.0)
        allowed = np.where(size > 0, cells.tolerance / size, 0.0)
    if not off.size:
        return 0.0, 0.0
    at = np.unravel_index(int(np.argmax(off)), off.shape)
    return float(off[at]), float(allowed[at])
