"""Values of several numbers: built of numbers and of parts, converted, copied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from strategies.language import types
from strategies.language.nodes import Construct, Statement
from strategies.language.parts import all_numbers
from strategies.language.rules import constructions
from strategies.language.types import Composite, Scalar
from strategies.repertoire.access.base import Access, Draw

#: What is built of numbers, and of 100 such how many of one for all.
BUILT: Final = ("vec2", "vec3", "vec4", "vec5", "vec6", "mat22", "mat33", "mat44", "mat23")
ALIKE: Final = 15
#: Of 100 that are cut off to whole numbers, how many are converted back.
BACK: Final = 50
_FLOATS: Final = tuple(types.scalar(name) for name in types.FLOATS)
_SIGNED: Final = tuple(of for of in map(types.scalar, types.INTEGERS) if of.is_signed)


def _built(form: str, way: Access) -> Iterator[Statement]:
    """A vector or matrix made of numbers, or of one."""
    of = types.composite(form, way.of)
    count = 1 if (of.dtype,) in constructions(of) and way.dice.chance(ALIKE) else of.length
    if count > 6:
        base = way.value(of)
        yield way.stored(Construct(of, tuple(reversed(all_numbers(base)))))
        return
    yield way.stored(Construct(of, tuple(way.x() for _ in range(count))))


def _built_of_parts(way: Access) -> Iterator[Statement]:
    """A quaternion, a transform or a spatial vector, of each kind of parts that it is made of."""
    turn, vector = types.quaternion(way.of), types.vector(3, way.of)
    parts: tuple[Scalar | Composite, ...]
    of, parts = way.dice.one_of(
        (
            (turn, (way.of,) * 4),
            (turn, (vector, way.of)),
            (types.transform(way.of), (vector, turn)),
            (types.transform(way.of), (way.of,) * 7),
            (types.transform(way.of), (way.of,)),
            (types.transform(way.of), (types.transform(way.of),)),
            (types.vector(6, way.of), (vector, vector)),
        )
    )
    yield way.stored(Construct(of, tuple(way.value(part) for part in parts)))


def _converted(form: str, way: Access) -> Iterator[Statement]:
    """A vector, a matrix or a quaternion in another precision, of whole numbers, cut off to such, or copied."""
    dice, target = way.dice, way.formed(form)
    if (target,) not in constructions(target):
        # a spatial vector
        target = types.vector(3, way.of)
    scalars = _SIGNED if form != "quaternion" and dice.chance(30) else _FLOATS
    source = types.composite(target.form, dice.one_of(scalars))
    if scalars is _SIGNED and dice.chance(40):
        found = Construct(source, (way.value(target),))
        yield way.stored(Construct(target, (found,)) if dice.chance(BACK) else found)
        return
    yield way.stored(Construct(target, (way.value(source),)))


WAYS: Final[dict[str, Draw]] = {
    "built of parts": _built_of_parts,
    **{f"{form} built": partial(_built, form) for form in BUILT},
    **{f"converted {form}": partial(_converted, form) for form in ("vector", "matrix", "quaternion")},
}
