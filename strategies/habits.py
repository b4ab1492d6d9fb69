"""How one person spells what may be spelled in two ways: the same throughout a kernel."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from strategies.dice import Dice
from strategies.language.manners import in_brackets, in_line
from strategies.language.nodes import (
    Apply,
    AugmentedAssign,
    Cast,
    Compare,
    Literal,
    Node,
    Program,
    rebuild,
)
from strategies.language.render import NUMBERED_ARRAYS, PYTHON_TYPES
from strategies.language.types import FLOAT32, INT32, Scalar

N = TypeVar("N", bound=Node)

#: Of 100 kernels, in how many conversions are ``float(x)`` and ``int(x)``, and masks hexadecimal.
SHORT: Final = 60
HEXADECIMAL: Final = 75
#: Of 100 kernels, in how many operands of operators on bits are in parentheses where Python does not need them.
ENCLOSED: Final = 85
#: Of 100 kernels, in how many annotations are ``float`` and ``int``, and ``wp.array2d(dtype=wp.vec3)``.
PLAIN: Final = {PYTHON_TYPES: 40, NUMBERED_ARRAYS: 40}
#: Of 100 kernels, in how many an element is ``a[i][j]``, and of 100 elements there, how many are.
BRACKETS: Final = 8
BRACKETED: Final = 70
#: Of 100 kernels, in how many what an atomic gives is written where it is used.
IN_LINE: Final = 45
#: The least number that anyone writes so, but for those of four bits beside others.
LEAST_MASK: Final = 255
_BITS: Final = frozenset(("bit_and", "bit_or", "bit_xor"))
_SHIFTS: Final = frozenset(("lshift", "rshift"))
#: What is easily misread beside an operator on bits.
_LOOSE: Final = _BITS | _SHIFTS | {"add", "sub", "mul", "div", "floordiv", "mod"}
#: What hashes multiply with is written so too.
_LEAST_MULTIPLIER: Final = 1 << 26


def spelled_out(program: Program, dice: Dice) -> Program:
    """`program` as one of those people writes it."""
    short, hexadecimal, enclosed = dice.chance(SHORT), dice.chance(HEXADECIMAL), dice.chance(ENCLOSED)

    def change(node: Any) -> Any:
        new = rebuild(node, change)
        match new:
            case Cast(type=of, operand=operand) if short and of in (FLOAT32, INT32):
                return new if isinstance(operand, Literal) else msgspec.structs.replace(new, short=True)
            case Apply(op=op, arguments=arguments) if op in _BITS | _SHIFTS or op == "mul":
                if hexadecimal:
                    arguments = tuple(_mask(a, op) for a in arguments)
                if enclosed and op != "mul":
                    arguments = (_enclosed(arguments[0], _LOOSE - {op}), _enclosed(arguments[1], _LOOSE))
                return msgspec.structs.replace(new, arguments=arguments)
            case Compare(operands=operands) if enclosed:
                return msgspec.structs.replace(new, operands=tuple(_enclosed(o, _BITS | _SHIFTS) for o in operands))
            case AugmentedAssign(operator=op) if hexadecimal and (op in _BITS or op == "mul"):
                return msgspec.structs.replace(new, value=_mask(new.value, op))
        return new

    changed: Program = change(program)
    manners = tuple(manner for manner, share in PLAIN.items() if dice.chance(share))
    changed = msgspec.structs.replace(changed, annotations=manners)
    changed = in_line(changed) if dice.chance(IN_LINE) else changed
    return in_brackets(changed, lambda: dice.chance(BRACKETED)) if dice.chance(BRACKETS) else changed


def _enclosed(node: Any, ops: frozenset[str]) -> Any:
    """An operand that few would write without parentheses."""
    return msgspec.structs.replace(node, enclosed=True) if isinstance(node, Apply) and node.op in ops else node


def _mask(node: Any, op: str) -> Any:
    """A whole number in hexadecimal, if it is one that people write so."""
    least = LEAST_MASK if op in _BITS else _LEAST_MULTIPLIER
    whole = isinstance(node, Literal) and isinstance(node.type, Scalar) and node.type.is_integer and node.like is None
    return msgspec.structs.replace(node, hexadecimal=True) if whole and node.value >= least else node


__all__ = ["spelled_out"]
