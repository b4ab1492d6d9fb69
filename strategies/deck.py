"""What a survey of the op table deals out: every implementation in turn, instead of by chance.

A *card* is a row, one of the forms that it takes (scalars, vectors, matrices …) and a kind of scalar type.  The cards
of a seed are dealt in an order of its own; kernel after kernel takes the next ones, so that a minute of a hunt sees
each row in each form, where chance would leave out a third of them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cache
from typing import Final, NamedTuple

from strategies.language.types import Array, Composite, Scalar, Tuple, Type
from strategies.ops import ITEMS, ROWS, OpSpec, instances

#: Cards of one kernel.
HAND: Final = 4
#: In which round the kinds of scalar types come: what users write first, the others in turn.
_ROUNDS: Final = ("float32", "float64", "signed", "float16", "unsigned", "bool")


class Card(NamedTuple):
    """Tuples of argument types of one row that one piece of code is for, with the types of their results.

    Of a built-in with several results, the row is that of the first.
    """

    row: OpSpec
    choices: tuple[tuple[tuple[Type, ...], Type], ...]

    @property
    def each(self) -> bool:
        """Whether a kernel takes all the choices: what integers alone are given to is written out for every width."""
        return all(
            len(arguments) > 0 and all(isinstance(of, Scalar) and of.kind in ("int", "uint") for of in arguments)
            for arguments, _ in self.choices
        )


def _kind(of: Scalar) -> str:
    """What tells scalar types apart: floats have code of their own, integers mostly share it."""
    return {"int": "signed", "uint": "unsigned"}.get(of.kind, of.notation)


def _form(of: Type) -> str:
    match of:
        case Composite():
            return of.form.rstrip("0123456789")
        case Array():
            return f"array {_form(of.dtype)}"
        case Tuple():
            return "tuple"
    return "scalar"


def _scalar(of: Type) -> Scalar:
    while isinstance(of, Composite | Array):
        of = of.dtype
    assert isinstance(of, Scalar)
    return of


@cache
def cards() -> tuple[tuple[Card, ...], ...]:
    """All cards, round by round: in each, one for every row and tuple of forms that has a kind of types left."""
    rounds: dict[int, list[Card]] = defaultdict(list)
    dealt = 0
    for row in (*ROWS, *(row for row in ITEMS if row.name.endswith("__0"))):
        classes: dict[tuple[str, ...], dict[str, list[tuple[tuple[Type, ...], Type]]]] = {}
        for arguments, result in instances(row):
            forms = tuple(_form(of) for of in (*arguments, result))
            scalar = _scalar((arguments or (result,))[-1])
            if set(forms) == {"scalar"} and not scalar.is_float:
                # another function than for floats
                forms = ("integer", *forms)
            classes.setdefault(forms, {}).setdefault(_kind(scalar), []).append((arguments, result))
        for kinds in classes.values():
            order = sorted(kinds, key=_ROUNDS.index)
            # a quarter of the classes begins with the kind that comes next, so that both appear early
            first = int(dealt % 4 == 3)
            dealt += 1
            for number, kind in enumerate(order[first:] + order[:first]):
                rounds[number].append(Card(row, tuple(kinds[kind])))
    return tuple(tuple(rounds[n]) for n in sorted(rounds))


@cache
def _order(seed: int, turn: int) -> tuple[Card, ...]:
    """One round of a seed's cards, shuffled; rounds begin anew when all are dealt."""
    dealt = cards()
    found = dealt[turn % len(dealt)]

    def place(n: int) -> bytes:
        return hashlib.sha256(f"{seed}/{turn}/{n}".encode()).digest()

    return tuple(found[n] for n in sorted(range(len(found)), key=place))


def hand(seed: int, index: int) -> list[Card]:
    """The cards of the kernel at `index` of the stream of `seed`."""
    start, turn, found = index * HAND, 0, list[Card]()
    while len(found) < HAND:
        order = _order(seed, turn)
        if start < len(order):
            found += order[start : start + HAND - len(found)]
            start = 0
        else:
            start -= len(order)
        turn += 1
    return found
