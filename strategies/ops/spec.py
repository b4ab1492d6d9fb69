"""What a row of the table says of an operator or a built-in function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

from strategies.intervals import Interval, Rule
from strategies.language import types
from strategies.language.types import Scalar, Type
from strategies.ops.signatures import Signature

Values: TypeAlias = NDArray[Any]
#: Rounds, or perturbs, an intermediate result of a reference that is made of several operations.
Rounding: TypeAlias = Callable[[Values], Values]


class Decision(NamedTuple):
    """A choice that an operation makes, and how far its operands are from making another.

    Of an operation whose value jumps somewhere, `jumps` says whether it does where this choice changes.
    `meets` says that both sides are one function wherever the distance stays zero: the larger of two equal
    numbers, whichever is taken.  Of a choice `by_sign`, a distance of zero is a zero whose sign decides.
    """

    choice: Values
    distance: Values
    jumps: bool = True
    meets: bool = False
    by_sign: bool = False


Decisions: TypeAlias = Callable[..., list[Decision]]
#: Where an argument may lie; an interval holds for each of its numbers.
Place: TypeAlias = "Interval | Away | Unit | Dominant | Rotation | Scaled"
Domain: TypeAlias = Callable[[Scalar], tuple[Place, ...]]


class Away(NamedTuple):
    """Every value up to `reach` whose magnitude is at least `least`."""

    least: float
    reach: float


class Unit(NamedTuple):
    """Every vector or quaternion of length one, and every transformation whose quaternion is."""


class Dominant(NamedTuple):
    """Square matrices with entries up to `reach`, whose diagonal exceeds the rest of each row: well conditioned."""

    reach: float


class Rotation(NamedTuple):
    """Matrices whose upper left three by three numbers are a rotation."""


class Scaled(NamedTuple):
    """Four by four matrices of a translation, a rotation and positive scales."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpSpec:
    """What is known of one operator or built-in function."""

    #: the name in Warp's registry
    name: str
    #: the group of Warp's documentation
    group: str
    signatures: tuple[Signature, ...]
    #: the value, from the arguments' values
    reference: Callable[..., Values]
    #: between which values the result lies, given those between which the arguments lie
    interval: Rule
    #: where each argument may lie so that the result is defined, finite and of moderate size
    domain: Domain
    #: whether its first two arguments may come in either order, each in the other's place: the edges of a step
    reversible: bool = False
    #: whether `reference` takes a `Rounding` first, for the operations that it is made of
    composite: bool = False
    #: whether `reference` takes matrices as rows and columns, and scalars without an axis beside vectors; else all
    #: numbers of a value are one axis
    shaped: bool = False
    #: whether a result has length one if every vector or quaternion among the arguments does
    unit: bool = False
    #: how many steps it takes of the random generator whose state is its first argument, if that is a variable: a
    #: number, or a function of the arguments
    advances: int | Callable[..., Values] = 0
    #: the operations that make results unique, one on the result of the other: a quaternion of a matrix has either
    #: sign, its matrix has none
    through: tuple[str, ...] = ()
    #: whether IEEE 754 (or integer arithmetic) fixes the result to the last bit
    exact: bool = False
    #: bound of the error on CPU in units in the last place: 0 where the result is always a float itself (`abs`),
    #: 0.5 where it is correctly rounded (`add`), more where the C library is not that good; by type where it
    #: differs.  Measured by `benchmarks/accuracy.py`; results on CUDA devices are held to it, too
    ulps: float | Mapping[str, float] = 0.5
    #: below this magnitude the error does not shrink with the result any more
    error_floor: float = 0.0
    #: where the derivative jumps
    decisions: Decisions | None = None
    #: whether the value jumps there too
    jumps: bool = False
    #: whether what is decided upon was itself rounded, the quotient for ``a // b``: `decisions` then takes a
    #: `Rounding` first, and both round to the kernel's own precision
    decides_on_rounded: bool = False
    #: whether what is decided upon are results on the way: `decisions` then takes a `Rounding` first, as `reference`
    #: does
    decides_on_the_way: bool = False
    #: for each argument, how far off its partial derivative may be, in units roundoff, because the formula for
    #: it cancels; None where the derivative is as accurate as the value
    adjoint_noise: Callable[..., tuple[Values, ...]] | None = None
    #: whether Warp's documentation says that it is differentiable
    differentiable: bool = True
    #: whether the derivative is zero wherever it exists, so that a missing adjoint is no loss
    flat: bool = False
    #: where Warp's text differs from the registry's name: ``**`` is `pow`
    spelling_of: str | None = None

    @property
    def warp_name(self) -> str:
        """The name that Warp's registry has for it."""
        return self.spelling_of or self.name

    def error(self, of: Type) -> float:
        """The bound of the error on CPU for results of type `of`, in units in the last place."""
        if not types.element_scalar(of).is_float:
            return 0.0
        if isinstance(self.ulps, float):
            return self.ulps
        return self.ulps[types.element_scalar(of).notation]

    def places(self, of: Scalar, *arguments: Interval) -> tuple[Place, ...]:
        """Where arguments of type `of` may lie: of the two orders of reversible ones, the one that `arguments` have."""
        return self.turned(of) if self.are_turned(of, arguments) else self.domain(of)

    def turned(self, of: Scalar) -> tuple[Place, ...]:
        """Where arguments of type `of` may lie whose first two come in the other order."""
        first, second, *others = self.domain(of)
        return (second, first, *others)

    def are_turned(self, of: Scalar, arguments: Sequence[Interval]) -> bool:
        """Whether the first two of `arguments` lie where they may in the other order alone."""
        if not self.reversible:
            return False
        return all(
            isinstance(p, Interval) and a.within(p) for a, p in zip(arguments, self.turned(of)[:2], strict=False)
        )

    def result_interval(self, of: Type, *arguments: Interval) -> Interval:
        """Between which values a result of type `of` lies; quotients of integers are truncated."""
        found = self.interval(*arguments)
        if types.element_scalar(of).is_integer:
            return Interval(math.trunc(found.low), math.trunc(found.high))
        return found

    def result(self, arguments: Sequence[Type]) -> Type | None:
        """The result type, or None if no signature takes these arguments."""
        for signature in self.signatures:
            found = signature.resolve(arguments)
            if found is not None:
                return found
        return None
