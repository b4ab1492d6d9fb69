"""Structs: parameters, arrays, members of all kinds, nested, copied, changed, stored whole or by field."""

from collections.abc import Iterator

from strategies.composites import computed, undivided
from strategies.language.nodes import Statement
from strategies.language.types import Struct
from strategies.repertoire.record_functions import RECORDS
from strategies.statements import Sketch
from strategies.struct_functions import call, maker
from strategies.structs import (
    array_of_structs,
    changes,
    constructed,
    copied,
    loaded,
    locals_of,
    replaced,
    stored,
    struct_parameter,
    struct_type,
    updated,
)
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("reassign", "augment", "assign component", "component"))

WEIGHTS = Statements(define=4, reassign=3, augment=3, component=1, branch=1)
LOOPING = Statements(define=2, reassign=1, augment=4, loop=4, branch=1)
#: Of 100 kernels, how many are one of the computations that people use structs for, and not drawn freely.
COMPUTED = 66


def body(sketch: Sketch) -> Iterator[Statement]:
    """What simulations and renderers use structs for; or structs from parameters, arrays and constructors, two to six
    statements that copy and change them, and a result."""
    dice = sketch.dice
    sketch.max_arrays = 5
    if sketch.main.bits > 16 and dice.chance(COMPUTED):
        sketch.vectors = True
        length = dice.one_of((3, 3, 2))
        yield from computed(sketch, RECORDS, (length, length))
        return
    sketch.vectors = dice.chance(85)
    sketch.mixture = undivided(sketch)
    if dice.chance(25):
        sketch.allow_integers(1)
    inner = struct_type(sketch)
    of = struct_type(sketch, (inner,)) if dice.chance(50) else inner
    if dice.chance(65):
        struct_parameter(sketch, struct_type(sketch, (inner,), arrays=True) if dice.chance(60) else inner)
    arrays = [array_of_structs(sketch, dice.one_of((of, inner))) for _ in range(dice.between(1, 2))]
    if dice.chance(75):
        yield loaded(sketch, arrays[0])
    else:
        yield from constructed(sketch, of, 2)
    for _ in range(dice.between(1, 5)):
        yield from _statement(sketch, (of, inner), arrays)
    yield from sketch.block(dice.below(3), LOOPING if dice.chance(40) else WEIGHTS, dice.between(1, 2))
    yield from _results(sketch, of, inner)


def _statement(sketch: Sketch, kinds: tuple[Struct, Struct], arrays: list[str]) -> list[Statement]:
    """One statement about structs, or a few."""
    dice = sketch.dice
    known = [name for kind in dict.fromkeys(kinds) for name in locals_of(sketch, kind)]
    mutable = [name for name in known if not any(p.name.startswith(f"{name}.") for p in sketch.parameters)]
    match dice.below(11):
        case 8 | 9 if known:
            made = call(sketch, dice.one_of(known), dice.between(1, 2))
            if made is not None:
                return [made]
        case 10:
            return [maker(sketch, dice.one_of(kinds), 1)]
        case 0:
            return [loaded(sketch, dice.one_of(arrays))]
        case 1:
            return constructed(sketch, dice.one_of(kinds), dice.between(1, 2))
        case 2 if known:
            return [copied(sketch, dice.one_of(known))]
        case 3:
            kind = dice.one_of(kinds)
            targets = [name for name in mutable if sketch.structs[name] is kind]
            if targets:
                target = dice.one_of(targets)
                sources = [name for name in locals_of(sketch, kind) if name != target]
                if sources:
                    return [replaced(sketch, target, dice.one_of(sources))]
    if not mutable:
        return constructed(sketch, kinds[0], 2)
    return changes(sketch, dice.one_of(mutable), dice.between(1, 3))


def _results(sketch: Sketch, of: Struct, inner: Struct) -> Iterator[Statement]:
    """A struct stored, fields of an array of structs updated, or a number."""
    dice = sketch.dice
    known = [name for kind in dict.fromkeys((of, inner)) for name in locals_of(sketch, kind)]
    kind = dice.below(4)
    if kind == 1 and known:
        yield from stored(sketch, dice.one_of(known))
    elif kind == 2:
        yield from updated(sketch, dice.one_of((of, inner)), dice.between(1, 2))
    target = sketch.vector_type(sketch.main) if sketch.vectors and dice.chance(30) else sketch.main
    if kind in (0, 3) or any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(target), sketch.result(target, dice.between(1, 3)))
