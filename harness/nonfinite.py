"""Which programs have a meaning for NaN and infinities among their inputs, and what they must give there.

Arithmetic and the functions of the C library follow IEEE 754 and C's Annex F; `min`, `max` and `clamp` follow Warp's
documentation, which says that they pass over NaN.  What NaN converts to as an integer is not defined, nor which of
several operands an atomic minimum takes: programs with those have no such launch.
"""

from __future__ import annotations

from typing import Final

from strategies.language import types
from strategies.language.nodes import Apply, Atomic, AugmentedAssign, Cast, Compare, Program, While, walk
from strategies.language.types import Scalar

#: The rows of the op table whose references hold for NaN, infinities and zeros of both signs.
DEFINED: Final = frozenset(
    (
        *("add", "sub", "mul", "div", "mod", "neg", "pos", "unot"),
        *("min", "max", "clamp", "abs", "sign", "step", "nonzero", "copysign"),
        *("sin", "cos", "tan", "atan", "atan2", "sinh", "cosh", "tanh", "degrees", "radians"),
        *("sqrt", "cbrt", "log", "log2", "log10", "exp", "erf", "erfc"),
        *("round", "rint", "trunc", "floor", "ceil", "isfinite", "isnan", "isinf", "cw_mul", "cw_div"),
        *("floordiv", "bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert", "bit_count"),
    )
)


def takes_nonfinite(program: Program) -> bool:
    """Whether what a program gives is defined if its inputs hold NaN and infinities."""
    return any(types.element_scalar(p.type).is_float for p in program.parameters if not p.output) and all(
        _defined(node) for node in walk(program)
    )


def _defined(node: object) -> bool:
    match node:
        case Apply(op=op) | AugmentedAssign(operator=op):
            return op in DEFINED
        case Cast(type=Scalar() as to, operand=operand):
            return not (to.is_integer and types.element_scalar(operand.type).is_float)
        case Atomic(op=op):
            return op in ("atomic_add", "atomic_sub")
        case Compare(operators=operators):
            # adjoints pass through operands that a chain leaves out, and make NaN there
            return len(operators) == 1
        case While():
            # it may never end
            return False
    return True
