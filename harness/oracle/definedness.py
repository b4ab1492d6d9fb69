"""Where an operation is not defined on its operands, in native precision, and where it leaves the finite numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from harness.oracle.control_flow import InvalidProgram
from harness.oracle.lanes import Mask, Values, any_component
from harness.oracle.nonfinite import is_defined
from harness.oracle.precision import Precision, nothing_but_rounding
from strategies.language import types
from strategies.language.types import Scalar
from strategies.ops import OpSpec, Rotation, Unit
from strategies.ops.spec import Place

_DIVISIONS: Final = frozenset(("div", "floordiv", "mod", "cw_div"))
_SHIFTS: Final = frozenset(("lshift", "rshift"))
_POWERS: Final = frozenset(("pow", "pow_operator"))
#: They divide by the distance of two bounds.
_BOUNDED: Final = frozenset(("randi", "randu"))
_OVERFLOWING: Final = frozenset(
    ("add", "sub", "mul", "div", "floordiv", "cw_div", "neg", "abs", "lshift", "dot", "length_sq", "cw_mul")
)

#: Operations that are told what to do with NaN and infinities, or whose derivative does not depend on their operands.
PASSES_OVER_NONFINITE: Final = frozenset(
    ("min", "max", "clamp", "sign", "step", "nonzero", "isnan", "isinf", "isfinite", "pos", "neg")
)
#: By how much the square of a length may be off one in the kernel's own precision: half floats lose a thousandth.
_OFF_UNIT: Final = 0.03


@cache
def _rotations(row: OpSpec, scalar: Scalar) -> tuple[tuple[int, Place], ...]:
    """The operands of an operation that must be of length one, or rotations."""
    return tuple((n, place) for n, place in enumerate(row.domain(scalar)) if isinstance(place, Unit | Rotation))


def _is_rotation(place: Place, value: Values) -> Mask:
    """Where a vector, quaternion or transformation has length one, or a matrix is a rotation; zeros pass, too."""
    if isinstance(place, Unit):
        part = value[..., 3:] if value.shape[-1] == 7 else value
        size = np.sum(part * part, axis=-1)
        return np.asarray((np.abs(size - 1.0) < _OFF_UNIT) | (size == 0))
    part = value[..., :3, :3]
    product = np.swapaxes(part, -1, -2) @ part
    return np.asarray(np.all(np.abs(product - np.eye(3)) < _OFF_UNIT, axis=(-1, -2)) | ~part.any(axis=(-1, -2)))


class Definedness(Precision):
    """The part of an evaluation that refuses what Warp does not define, and notes what is no finite number."""

    #: see `harness.oracle.reference.Evaluation`
    _magnitude: Values
    _nonfinite: Mask
    _undefined: Mask
    #: whether the inputs hold NaN and infinities
    nonfinite: bool

    def _check_defined(self, row: OpSpec, arguments: list[Values], found: Values, mask: Mask) -> None:
        """Raise `InvalidProgram` where an operation is not defined on its operands.

        For integers that is division by zero, also within another operation, overflow and wide shifts; for floats, what
        has no finite result; for what takes rotations, what is none, be it the first of the inputs.
        """
        if found.dtype.kind == "f":
            if row.name in _POWERS and not self.nonfinite and np.any(mask & (arguments[0] == 0)):
                # its derivative by the exponent is the product of zero and the logarithm of zero
                raise InvalidProgram(f"{self.program.name} raises zero to a power")
            self._check_finite(row, arguments, found, mask)
            self._check_rotations(row, arguments, mask)
        kind = arguments[0].dtype.kind if arguments else ""
        if kind not in ("i", "u"):
            return
        active = mask[..., None] if found.ndim > 3 or any(a.ndim > 3 for a in arguments) else mask
        bits = 8 * arguments[0].dtype.itemsize
        problem = None
        if row.name in _DIVISIONS and np.any(active & (arguments[1] == 0)):
            problem = "divides an integer by zero"
        elif row.name in _SHIFTS and np.any(active & ((arguments[1] < 0) | (arguments[1] >= bits))):
            problem = "shifts by a negative number of bits, or by too many"
        elif row.name in _BOUNDED and len(arguments) > 2 and np.any(mask & (arguments[2] <= arguments[1])):
            problem = "draws one of no numbers"
        elif row.name == "pnoise" and any(np.any(mask & (period <= 0)) for period in arguments[2:]):
            problem = "repeats noise after no cells"
        if problem is not None:
            raise InvalidProgram(f"{self.program.name} {problem}")
        if row.name in _OVERFLOWING and kind == "i":
            if row.name == "lshift":
                wide = arguments[0] * 2.0 ** arguments[1].astype(np.float64)
            elif row.composite:
                wide = row.reference(lambda v: v, *(a.astype(np.float64) for a in arguments))
            else:
                wide = row.reference(*(a.astype(np.float64) for a in arguments))
            wide = wide.reshape(*wide.shape[:3], -1) if wide.ndim > 3 else wide
            self._check_overflow(wide, bits, mask[..., None] if wide.ndim > 3 else mask)

    def _check_overflow(self, wide: Values, bits: int, active: Mask) -> None:
        """Raise `InvalidProgram` if a result, computed as float64, does not fit a signed integer of `bits`."""
        limit = 2.0 ** (bits - 1)
        if np.any(((wide >= limit) | (wide < -limit)) & active):
            raise InvalidProgram(f"{self.program.name} overflows a signed integer")

    def _check_finite(self, row: OpSpec, arguments: list[Values], found: Values, mask: Mask) -> None:
        """Raise `InvalidProgram` where finite operands have no finite result."""

        def finite(values: Values) -> Mask:
            found: Mask = np.isfinite(values)
            return found if found.ndim == 3 else np.asarray(found.all(axis=tuple(range(3, found.ndim))))

        lost = mask & ~finite(found)
        if lost.any():
            for argument in arguments:
                lost = lost & finite(argument)
            if lost.any() and not self.nonfinite:
                raise InvalidProgram(f"{self.program.name} has operands of {row.name} without a finite result")

    def _check_rotations(self, row: OpSpec, arguments: list[Values], mask: Mask) -> None:
        """Raise `InvalidProgram` where a rotation is asked for and none is given; special inputs may lose theirs."""
        if self.nonfinite or not arguments:
            return
        for n, place in _rotations(row, types.scalar(arguments[0].dtype.name)):
            given = arguments[n][:1, :1].astype(np.float64)
            if np.any(mask[:1, :1] & ~_is_rotation(place, given)):
                raise InvalidProgram(f"{self.program.name} gives {row.name} what is no rotation")

    def _note_magnitude(self, found: Values, mask: Mask) -> None:
        size = np.abs(found[0, 0])
        size = size.max(axis=-1) if size.ndim > 1 else size
        size = np.where(mask[0, 0] & np.isfinite(size), size, 0.0)
        self._magnitude = np.maximum(self._magnitude, size)

    def _note_nonfinite(self, row: OpSpec, values: Sequence[Values], mask: Mask) -> None:
        """Note the threads in which an operation meets or gives what is no finite number.

        Their derivatives may be NaN by the formula of an adjoint, infinity times zero, say; and the value itself has
        no meaning if nothing is documented of the operation there.
        """
        if row.name in PASSES_OVER_NONFINITE:
            return
        floats = [value for value in values if value.dtype.kind == "f"]
        lost = np.zeros((1,), bool)
        for value in floats:
            lost = lost | any_component(~np.isfinite(value[0, 0]))
        if not lost.any():
            return
        lost = mask[0, 0] & lost
        self._nonfinite |= lost
        if not is_defined(row):
            self._undefined |= lost
        for value in floats:
            # whether it is zero, and its sign, make NaN or an infinity of either sign
            self._fragile |= lost & any_component(nothing_but_rounding(value))

    def _note_conversion(self, fits: Mask, mask: Mask) -> None:
        """Note the threads that convert to an integer what it cannot hold."""
        lost = mask[0, 0] & ~fits[0, 0]
        self._nonfinite |= lost
        self._undefined |= lost

    def _note_offer(self, value: Values, mask: Mask) -> None:
        """Note the threads that offer an atomic extreme what is no finite number.

        It is not documented which gradients NaN in the cell leaves, nor those of infinities that are equal.
        """
        offered = value[0, 0].reshape(value.shape[2], -1)
        if value.dtype.kind == "f" and np.any(mask[0, 0] & ~np.isfinite(offered).all(axis=1)):
            self._nonfinite[:] = True
            self._undefined |= mask[0, 0] & np.isnan(offered).any(axis=1)
