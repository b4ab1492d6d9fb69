"""In which precision numbers are held, and how far rounding could move values, derivatives and decisions.

Noise of the size of an operation's own rounding multiplies its result, in all realisations but the first; where a
decision comes within the spread of that, what hangs on it is not compared.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from harness.oracle.control_flow import ControlFlow
from harness.oracle.exactness import confuses_zeros
from harness.oracle.lanes import UNDERFLOW, UNIT_ROUNDOFF, Mask, Values, any_component, uniform
from strategies.language import types
from strategies.language.types import Composite, Scalar, Type
from strategies.ops import Decision
from strategies.ops.spec import Rounding

#: Realisations of independent rounding noise beside the one without: their spread is the tolerance's raw material.
NOISE_RUNS: Final = 4
#: A decision counts as fragile when its margin is within this many times the margin's own spread.
FRAGILE_FACTOR: Final = 8.0
#: An adjoint with so much noise (four times the inverse of a length) has terms of its third power, which no half holds.
STEEPEST: Final = 4 * 40.0
#: Units in the last place of one rounding in float64: smaller noise is lost in the rounding of the reference itself.
_DOUBLE_ULPS: Final = 2.0


def _other(choice: Values, base: Values) -> Mask:
    """Where a choice is another; NaN, of an operand that is none, is the same as NaN."""
    found: Mask = choice != base
    return found & ~((choice != choice) & (base != base)) if choice.dtype.kind == "f" else found


def _moved(argument: Values) -> Values:
    """How far each perturbation moved an operand; infinities and NaN do not move."""
    found = argument - argument[:, :1]
    finite = np.isfinite(found)
    return found if finite.all() else np.where(finite, found, 0.0)


def nothing_but_rounding(values: Values) -> Mask:
    """Where rounding decides whether a finite number is zero, and its sign: threads[, components]."""
    base = values[0, 0]
    with np.errstate(invalid="ignore"):
        spread = np.max(np.abs(values[:, 0] - base), axis=0)
        return np.asarray(np.isfinite(base) & (spread > 0) & (np.abs(base) <= FRAGILE_FACTOR * spread))


class Precision(ControlFlow):
    """The part of an evaluation that rounds."""

    noise: str | None
    #: whether there is one more realisation, in which an operation errs alike in all iterations of a loop
    _repeats: bool
    #: how many realisations, perturbations and threads there are
    _runs: int
    _lanes: int
    _threads: int
    _noise_pool: Values
    _noise_used: int
    #: see `harness.oracle.reference.Evaluation`
    _fragile: Mask
    _kinked: Mask
    _changed: Mask

    def _dtype(self, of: Type) -> np.dtype[Any]:
        scalar = types.element_scalar(of)
        if scalar.is_float and not self.native:
            return np.dtype(np.float64)
        return np.dtype("?" if scalar.kind == "bool" else scalar.notation)

    def _zero(self, of: Type) -> Values:
        return np.zeros((1, 1, 1, *((of.length,) if isinstance(of, Composite) else ())), self._dtype(of))

    # ------------------------------------------------------------ noise

    def _draw_noise(self) -> Values:
        """A pool of noise; operations take consecutive windows of it, at odd strides, again and again."""
        count = 1 << 14
        return 2.0 * uniform(f"noise/{self.noise}", count) - 1.0 if self.noise is not None else np.zeros(0)

    def _next_noise(self, components: tuple[int, ...]) -> Values:
        """Noise between -1 and 1 for one operation: realisations but the first, 1, threads[, components].

        An iteration may round just as the one before: the errors of a loop then add up as they are, not as their
        root.  So in the last realisation an operation errs by all it may, to the same side in every iteration.
        """
        shape = (1, self._threads, *components)
        size = math.prod(shape)
        found = self._window(self._noise_used, NOISE_RUNS * size).reshape(NOISE_RUNS, *shape)
        self._noise_used += 1
        if not self._repeats:
            return found
        again = np.copysign(1.0, self._window(self._noise_repeated, size, NOISE_RUNS * size)).reshape(1, *shape)
        self._noise_repeated += 1
        return np.concatenate((found, again))

    def _window(self, number: int, count: int, shift: int = 0) -> Values:
        offset = shift + (number * 7919) % (self._noise_pool.size - count % self._noise_pool.size)
        if offset + count <= self._noise_pool.size:
            return self._noise_pool[offset : offset + count]
        return np.take(self._noise_pool, np.arange(offset, offset + count), mode="wrap")

    def _perturb(self, values: Values, of: Type, ulps: float, lost: float = 0.0) -> Values:
        """`values` as an operation with an error of up to `ulps` units in the last place may give them.

        A correctly rounded operation whose result happens to be a float of the kernel's precision has no error (but
        `lost`, in float64's units).  In float64 every result looks like that; there it has none if its operands have
        none, for the reference rounds as Warp does.
        """
        scalar = types.element_scalar(of)
        if self.noise is None or not scalar.is_float or ulps == 0:
            return values
        components = values.shape[3:] if values.ndim > 3 else ()
        factor = np.ones((self._runs, 1, self._threads, *components))
        # an error of half a unit in the last place is at most the unit roundoff, relative to the value
        size = max(ulps, _DOUBLE_ULPS) if scalar.bits == 64 else ulps
        noise = self._next_noise(components)
        if scalar.bits == 64 or lost:
            # at least one spacing of the reference's own numbers: less would be none
            least = (noise + np.copysign(1.0, noise)) / 2
        factor[1:] += (2.0 * size * UNIT_ROUNDOFF[scalar.notation]) * (least if scalar.bits == 64 else noise)
        if ulps <= 0.5:
            # of each realisation: a difference may be exact only where nothing was rounded before
            plain = values[:, :1]
            exact = plain.astype(scalar.notation) == plain
            if scalar.bits == 64:
                base = plain[:1]
                exact = exact & np.all((plain == base) | (base != base), axis=0, keepdims=True)
            factor = np.where(exact, 1.0, factor)
        if scalar.bits < 64:
            # where there is no noise a negative zero, which changes nothing: a positive one would turn it positive
            underflow = np.full(factor.shape, -0.0)
            # of one sign, for squares and what else a root is taken of must not turn negative
            underflow[1:] = np.where(factor[1:] != 1, UNDERFLOW[scalar.notation] * (1 + noise), -0.0)
            values = values + underflow
            if lost:
                factor[1:] += np.where(factor[1:] == 1, (2.0 * lost * UNIT_ROUNDOFF["float64"]) * least, 0.0)
        return values * factor

    def _round(self, values: Values, of: Type) -> Values:
        """`values` rounded once, to the kernel's own precision: what an operation that does not stop there sees."""
        return values.astype(types.element_scalar(of).notation).astype(values.dtype)

    def _noise(self, of: Type, components: tuple[int, ...]) -> Values:
        """Noise of the size of one rounding, another for each component: realisations, 1, threads[, components]."""
        return self._perturb(np.full((1, 1, 1, *components), 1 / 3), of, 1.0) * 3 - 1

    def _rounding(self, of: Type) -> Rounding:
        """One rounding of an operation inside a built-in.

        Its result may happen to be a float that is exact, but for what the reference itself has lost: of a sum of
        1, 1e-38 and -1 it depends on their order whether 1e-38 is left.  In float64 every result of the reference looks
        exact: there, another order of the same operations rounds otherwise.
        """
        ulps = 0.5 if types.element_scalar(of).bits < 64 else _DOUBLE_ULPS
        return lambda v: self._perturb(v, of, ulps, _DOUBLE_ULPS)

    # ------------------------------------------------------------ noise on derivatives

    def _perturb_adjoint(self, argument: Values, of: Type) -> Values:
        """`argument` with the derivative through it scaled by one rounding, and its value left alone.

        Each contribution to an adjoint is rounded by itself.  Noise on values does not show that: it scales
        all paths through an operation alike, and contributions that cancel would go on cancelling.
        """
        if self.noise is None or argument.shape[1] == 1 or argument.dtype.kind != "f":
            return argument
        noisy: Values = argument + self._noise(of, argument.shape[3:]) * _moved(argument)
        return noisy

    def _rounded_slope(self, slope: Values, of: Type) -> Values:
        return slope if self.noise is None else slope * (1 + self._noise(of, slope.shape[3:]))

    def _perturb_slope(self, found: Values, slopes: tuple[Values, ...], arguments: list[Values], of: Type) -> Values:
        """`found` with its partial derivatives off by what rounding in the adjoint's formula may do.

        The unperturbed lane stays as it is; the others move by the change of the argument times the error.
        """
        for slope, argument in zip(slopes, arguments, strict=True):
            error = self._noise(of, argument.shape[3:]) / 2
            moved = error * slope[:, :1] * _moved(argument)
            found = found + (moved.sum(axis=-1) if moved.ndim > found.ndim else moved)
        return found

    def _perturb_slopes(self, found: Values, slopes: tuple[Values, ...], arguments: list[Values], of: Type) -> Values:
        """The same for values of several axes: a slope bounds the error of every partial derivative by an argument.

        Slopes have no axes but those of lanes.
        """
        flat = found if found.ndim > 3 else found[..., None]
        for slope, argument in zip(slopes, arguments, strict=True):
            change = argument - argument[:, :1]
            change = change.reshape(*change.shape[:3], -1)
            error = self._noise(of, (flat.shape[3], change.shape[3])) / 2
            flat = flat + slope[:, :1, :, None] * (error * change[..., None, :]).sum(axis=-1)
        return flat if found.ndim > 3 else flat[..., 0]

    def _note_steep(self, slopes: tuple[Values, ...], mask: Mask) -> None:
        """Note the threads where the formula of an adjoint may overflow half precision on its way."""
        for slope in slopes:
            self._kinked |= mask[0, 0] & any_component(np.abs(slope[0, 0]) > STEEPEST)

    # ------------------------------------------------------------ decisions

    def _decide(self, decision: Decision, mask: Mask, jump: bool, rounded: Scalar | None = None) -> None:
        """Note the threads that rounding, or a perturbation, could make decide otherwise.

        `rounded` is the type in which what is decided upon was rounded once more than its operands' noise shows.
        """
        choice, distance = decision.choice, decision.distance
        if self.native:
            return
        if choice.ndim == 4:
            for n in range(choice.shape[3]):
                part = decision._replace(choice=choice[..., n], distance=distance[..., n])
                self._decide(part, mask, jump, rounded)
            return
        if decision.by_sign and confuses_zeros(self.program):
            self._fragile |= (distance[0, 0] == 0) & np.any(mask[:, 0], axis=0)
        if choice.shape[0] == 1 and choice.shape[1] == 1:
            return
        if decision.meets and not jump:
            # equal operands that move together have one derivative: it does not matter which is taken
            mask = mask & np.any(distance[:1] != 0, axis=1, keepdims=True)
        others = np.any(_other(choice, choice[:, :1]) & mask, axis=0)
        self._changed |= others
        first, base = choice[:, 0], choice[0, 0]
        spread = np.max(np.abs(distance[:, 0] - distance[0, 0]), axis=0)
        if rounded is not None and rounded.bits < 64:
            # without any noise, what is rounded is known to the bit, and so is the choice
            once = UNIT_ROUNDOFF[rounded.notation] * (1 + np.abs(choice[0, 0]))
            spread = np.where(spread > 0, spread + once, 0.0)
        near = (distance[0, 0] <= FRAGILE_FACTOR * spread) & (spread > 0)
        fragile = (np.any(_other(first, base), axis=0) | near) & np.any(mask[:, 0], axis=0)
        if jump and decision.jumps:
            self._fragile |= fragile
        self._kinked |= fragile
