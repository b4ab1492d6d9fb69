"""The limits that Warp documents for gradients, by name, and what their rules ask of the op table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from strategies.language.types import Type


class Limit(Enum):
    """A documented limit, with what the documentation says in one sentence."""

    DYNAMIC_LOOP = (
        "dynamic loops are not replayed in the backward pass, so values computed in one are not available to adjoints"
    )
    IN_PLACE_PRODUCT = "in-place multiplication and division of array elements are not differentiable"
    COMPONENT_REASSIGNED = "each component of a local vector may be assigned once, not including default initialization"
    ELEMENT_OVERWRITTEN = "overwriting an array element that was read before invalidates gradients"
    ATOMIC_RETURNED = "a value that an atomic operation returns is not there in the backward pass, and has no gradient"
    LOCAL_ARRAY = "wp.zeros is not differentiable: what an array of the thread holds is not there in the backward pass"
    EFFECT_REPLAYED = "a function runs again in the backward pass of its caller, with its effects on arrays"
    INDEXED_ARRAY = "what is written to an indexed array has no gradient: Warp's adjoints pass over it"
    NO_BACKWARD = "the kernel is built without a backward pass"
    REFERENCE = "a function with parameters wp.ref[T] has no adjoint, and a kernel with a backward pass may not call it"
    NOT_DIFFERENTIABLE = "a built-in is documented as not differentiable"


@dataclass(frozen=True)
class Traits:
    """What the op table says of an operation, by its name and the types of its arguments."""

    differentiable: Callable[[str, Sequence[Type]], bool]
    #: whether its derivative is zero wherever there is one
    flat: Callable[[str, Sequence[Type]], bool]
    #: whether it leaves another number in the state of random numbers that it is given
    advances: Callable[[str, Sequence[Type]], bool]
