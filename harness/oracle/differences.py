"""Finite differences on the float64 reference: the judge of gradients.

All perturbations run as lanes of one evaluation.  Cells that no thread reads together are perturbed
together (Curtis, Powell, Reid 1974), since each thread's share in the loss is known apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from harness.oracle.lanes import Mask, Values
from harness.oracle.reference import Evaluation
from strategies.language import types
from strategies.language.indexed import all_members
from strategies.language.nodes import Parameter, Program

#: Central differences at this step, its half and its quarter, extrapolated twice (Richardson): the error is
#: of sixth order, about 1e-16 for functions of moderate curvature, and the rounding of float64, divided by
#: the smallest step, about 1e-12.
STEP: Final = 2.0**-9
_OFFSETS: Final = (1.0, -1.0, 0.5, -0.5, 0.25, -0.25)
LANES_PER_DIRECTION: Final = len(_OFFSETS)
#: Float64's own rounding of a lane's result, in units roundoff of the result and of the largest value on the way
#: to it.  The first counts the operations of a long kernel.  The second bounds what one rounding of that value does
#: to the extrapolated quotient: 1.7 units over the smallest step.
_ROUNDINGS: Final = 32
_ROUNDINGS_ON_THE_WAY: Final = 2
#: Directions at most; beyond it cells go unchecked.  Each costs six lanes.
MAX_DIRECTIONS: Final = 96


class Coordinate(NamedTuple):
    """One number among the inputs."""

    array: str
    cell: int
    component: int | None


@dataclass(frozen=True)
class Directions:
    """Which coordinates are perturbed together; every coordinate that a thread reads is in one, if they fit."""

    groups: tuple[tuple[Coordinate, ...], ...]
    #: coordinates that did not fit
    left_out: tuple[Coordinate, ...]


def differentiable_inputs(program: Program) -> tuple[Parameter, ...]:
    """The input arrays of floats, but for indexed ones, which Warp takes for constants."""
    parts = all_members(program)
    return tuple(
        p for p in program.arrays if not p.output and types.element_scalar(p.type).is_float and p.name not in parts
    )


def _moved(program: Program, reads: Mapping[str, Mask]) -> tuple[Parameter, ...]:
    """The arrays that gradients are needed of: inputs, and outputs that the kernel reads."""
    read = [p for p in program.outputs if types.element_scalar(p.type).is_float and reads[p.name].any()]
    return (*differentiable_inputs(program), *read)


def directions(
    program: Program, reads: Mapping[str, Mask], components: Mapping[str, int], most: int = MAX_DIRECTIONS
) -> Directions:
    """Group the coordinates that threads read (`reads`: threads, cells) so that no thread reads two of a group.

    `components` says how many components an array's elements have; none means scalars.  There are `most` groups.
    """
    groups: list[list[Coordinate]] = []
    #: the threads that read some of a group, a bit each
    busy: list[int] = []
    left_out = []
    for parameter in _moved(program, reads):
        read = reads[parameter.name]
        count = components.get(parameter.name, 0)
        for cell in np.flatnonzero(read.any(axis=0)):
            threads = int.from_bytes(np.packbits(read[:, cell]).tobytes(), "big")
            for component in range(count) if count else (None,):
                coordinate = Coordinate(parameter.name, int(cell), component)
                for n, taken in enumerate(busy):
                    if not taken & threads:
                        groups[n].append(coordinate)
                        busy[n] |= threads
                        break
                else:
                    if len(groups) == most:
                        left_out.append(coordinate)
                        continue
                    groups.append([coordinate])
                    busy.append(threads)
    return Directions(tuple(map(tuple, groups)), tuple(left_out))


def perturbed(inputs: Mapping[str, Values], program: Program, found: Directions) -> dict[str, Values]:
    """The inputs for one evaluation of all lanes: (lanes or 1, cells[, components]), floats as float64."""
    lanes = 1 + LANES_PER_DIRECTION * len(found.groups)
    wide: dict[str, Values] = {}
    for parameter in program.parameters:
        values = inputs[parameter.name]
        values = values.astype(np.float64) if values.dtype.kind == "f" else values
        wide[parameter.name] = values[None]
    moved = {c.array for group in found.groups for c in group}
    for name in moved:
        wide[name] = np.repeat(wide[name], lanes, axis=0)
    for n, group in enumerate(found.groups):
        for offset, lane in zip(_OFFSETS, range(1 + LANES_PER_DIRECTION * n, lanes), strict=False):
            for coordinate in group:
                at = (lane, coordinate.cell) if coordinate.component is None else (lane, *coordinate[1:])
                wide[coordinate.array][at] += offset * STEP
    return wide


@dataclass(frozen=True)
class Gradient:
    """The gradient with respect to one array, cells[, components] each."""

    #: in each realisation of noise (first axis), the first without any
    runs: Values
    #: bound of the error of the difference quotient
    error: Values
    #: sum of the magnitudes of what each thread contributes
    magnitude: Values
    #: False where a kink, a jump or a missing direction makes the quotient meaningless
    reliable: Mask


def gradients(
    program: Program,
    found: Directions,
    evaluation: Evaluation,
    native: Mapping[str, Mask],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, Gradient]:
    """The gradient of the loss with respect to every differentiable input, and to what outputs that are read hold.

    `native` is what threads read in the kernel's own precision (threads, cells): of a cell that rounding made another
    thread read, or none, the quotient means nothing.
    """
    runs = evaluation.loss.shape[0]
    result = {}
    for parameter in _moved(program, evaluation.reads):
        shape = shapes[parameter.name]
        result[parameter.name] = Gradient(
            np.zeros((runs, *shape)), np.zeros(shape), np.zeros(shape), np.ones(shape, bool)
        )
    unsettled = evaluation.fragile | evaluation.kinked
    for n, group in enumerate(found.groups):
        first = 1 + LANES_PER_DIRECTION * n
        lanes = evaluation.loss[:, first : first + LANES_PER_DIRECTION]
        quotient, error = _extrapolate(lanes, evaluation.magnitude)
        changed = evaluation.changed[first : first + LANES_PER_DIRECTION].any(axis=0) | unsettled
        # threads, coordinates
        reading = np.stack([evaluation.reads[c.array][:, c.cell] for c in group], axis=1)
        total = np.where(reading, quotient[:, :, None], 0.0).sum(axis=1)
        errors = np.where(reading, error[:, None], 0.0).sum(axis=0)
        sizes = np.where(reading, np.abs(quotient[0])[:, None], 0.0).sum(axis=0)
        reliable = np.isfinite(total[0]) & ~np.any(reading & changed[:, None], axis=0)
        for m, coordinate in enumerate(group):
            gradient = result[coordinate.array]
            at = (coordinate.cell,) if coordinate.component is None else coordinate[1:]
            gradient.runs[(slice(None), *at)] = total[:, m]
            gradient.error[at], gradient.magnitude[at], gradient.reliable[at] = errors[m], sizes[m], reliable[m]
    for coordinate in found.left_out:
        at = (coordinate.cell,) if coordinate.component is None else coordinate[1:]
        result[coordinate.array].reliable[at] = False
    for name, gradient in result.items():
        gradient.reliable[np.any(native[name] != evaluation.reads[name], axis=0)] = False
    return result


def _extrapolate(lanes: Values, magnitude: Values) -> tuple[Values, Values]:
    """Difference quotients (realisations, threads), and a bound of their error (threads).

    `magnitude` is the largest value on the way to each thread's result: where terms cancel, the result is small
    and its rounding is not.
    """
    full, half, quarter = (
        (lanes[:, 2 * n] - lanes[:, 2 * n + 1]) / (2 * STEP * scale) for n, scale in enumerate((1, 0.5, 0.25))
    )
    coarse, fine = (4 * half - full) / 3, (4 * quarter - half) / 3
    best = (16 * fine - coarse) / 15
    size = np.maximum(_ROUNDINGS * np.max(np.abs(lanes), axis=(0, 1)), _ROUNDINGS_ON_THE_WAY * magnitude)
    rounding = 2.0**-53 * size / (STEP / 4)
    # the coarser estimates differ by more than the best one is off; their rounding is part of the difference
    return best, np.abs(fine[0] - coarse[0]) + rounding
