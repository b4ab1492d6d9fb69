"""What a survey of the op table deals out: every implementation in turn, instead of by chance.

A *card* is a row, one of the forms that it takes (scalars, vectors, matrices …) of one size, and a kind of scalar
type: Warp has code of its own for vectors of two, three and four numbers, and for square matrices.  The cards of a
seed are dealt in an order of its own; kernel after kernel takes the next ones, so that a minute of a hunt sees each
row in each form, where chance would leave out a third of them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cache, lru_cache
from typing import Final, NamedTuple, TypeAlias

from strategies.language.types import Array, Composite, Matrix, Scalar, Tuple, Type, Vector
from strategies.ops import ITEMS, ROWS, OpSpec, instances

#: Cards of one kernel.
HAND: Final = 4
#: Vectors of that many numbers or more share their code.
LONGER: Final = 5
#: In which round the kinds of scalar types come: what users write first, the others in turn.
_ROUNDS: Final = ("float32", "float64", "signed", "float16", "unsigned", "bool")


#: The types of a row's arguments, and of the result.
Choice: TypeAlias = tuple[tuple[Type, ...], Type]


class Card(NamedTuple):
    """Tuples of argument types of one row that one piece of code is for, with the types of their results.

    Of a built-in with several results, the row is that of the first.
    """

    row: OpSpec
    choices: tuple[Choice, ...]

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


def _by_size(choices: list[Choice]) -> list[tuple[Choice, ...]]:
    """`choices` apart by the sizes of their vectors or matrices, as far as Warp tells those apart."""
    found: dict[int, list[Choice]] = defaultdict(list)
    for arguments, result in choices:
        sizes = [_size(of) for of in (*arguments, result) if isinstance(of, Matrix | Vector)]
        found[sizes[0] if sizes else 0].append((arguments, result))
    return [tuple(found[size]) for size in sorted(found)]


def _size(of: Matrix | Vector) -> int:
    if isinstance(of, Matrix):
        return of.rows if of.rows == of.columns else 0
    return min(of.length, LONGER)


@cache
def cards() -> tuple[tuple[Card, ...], ...]:
    """All cards, round by round: in each, one for every row and tuple of forms that has a kind of types left."""
    rounds: dict[int, list[Card]] = defaultdict(list)
    dealt = 0
    for row in (*ROWS, *(row for row in ITEMS if row.name.endswith("__0"))):
        classes: dict[tuple[str, ...], dict[str, list[Choice]]] = {}
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
            sizes = {kind: _by_size(choices) for kind, choices in kinds.items()}
            # each size in one of the first rounds, with the kind whose turn it is, and with the others later
            for cycle in range(max(map(len, sizes.values()))):
                for number, kind in enumerate(order[first:] + order[:first]):
                    if cycle < len(sizes[kind]):
                        chosen = sizes[kind][(dealt + number + cycle) % len(sizes[kind])]
                        rounds[cycle * len(_ROUNDS) + number].append(Card(row, chosen))
            dealt += 1
    return tuple(tuple(rounds[n]) for n in sorted(rounds))


# a kernel's hand is of one turn or two
@lru_cache(maxsize=4)
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
