"""Structs: parameters, arrays, members of all kinds, nested, copied, changed, stored whole or by field."""

from collections.abc import Iterator

from strategies.composites import computed, subject, undivided
from strategies.language.nodes import Options, Statement
from strategies.language.types import Struct
from strategies.repertoire.models import MODELS
from strategies.repertoire.record_functions import RECORDS
from strategies.statements import Sketch
from strategies.struct_functions import altered, call, looked_up, maker, pushed
from strategies.structs import (
    array_of_structs,
    changes,
    constructed,
    copied,
    loaded,
    locals_of,
    put_in_array,
    replaced,
    stored,
    struct_parameter,
    struct_type,
    updated,
    with_arrays,
    written_arrays,
)
from strategies.weights import Statements

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("reassign", "augment", "assign component", "component"))

WEIGHTS = Statements(define=4, reassign=3, augment=3, component=1, branch=1)
LOOPING = Statements(define=2, reassign=1, augment=4, loop=4, branch=1)
#: Of 100 kernels, how many are one of the computations that people use structs for, and not drawn freely.
COMPUTED = 45
#: Of the others, of 100 with a struct that is passed, how many pass one with arrays; of 100 of those, how many have
#: these in a struct within it, and how many pass it to a function that reads them.
ARRAYS = 70
INNER_ARRAYS = 20
LOOKED_UP = 30
#: Of 100 results that go to an array in a struct, how many are stored by a function.
PUSHED = 25
#: Of 100, how many have a matrix or a rotation among the members, and operations on it.
FORMED = 40
FORMS = (("mat22", "vec2"), ("mat33", "vec3"), ("mat23", "vec3"), ("quat", "vec3"), ("quat", "vec3"))
#: Of 100, how many pass references to structs to functions, and so have no backward pass.
REFERENCES = 6


def body(sketch: Sketch) -> Iterator[Statement]:
    """What simulations and renderers use structs for; or structs from parameters, arrays and constructors, two to six
    statements that copy and change them, and a result."""
    dice = sketch.dice
    sketch.max_arrays = 5
    if sketch.main.bits > 16 and dice.chance(COMPUTED):
        sketch.vectors = True
        length = dice.one_of((3, 3, 2))
        yield from computed(sketch, (*RECORDS, *MODELS), (length, length))
        return
    sketch.vectors = dice.chance(85)
    sketch.mixture = undivided(sketch)
    if dice.chance(25):
        sketch.allow_integers()
    if dice.chance(FORMED):
        _form(sketch)
    if dice.chance(REFERENCES):
        sketch.options = Options(enable_backward=False)
    inner = struct_type(sketch)
    of = struct_type(sketch, (inner,)) if dice.chance(50) else inner
    if dice.chance(80):
        yield from _passed(sketch, inner)
    arrays = [array_of_structs(sketch, dice.one_of((of, inner))) for _ in range(dice.between(1, 2))]
    if dice.chance(75):
        yield loaded(sketch, arrays[0])
    else:
        yield from constructed(sketch, of, 2)
    for _ in range(dice.between(1, 5)):
        yield from _statement(sketch, (of, inner), arrays)
    yield from sketch.block(dice.below(3), LOOPING if dice.chance(40) else WEIGHTS, dice.between(1, 2))
    yield from _results(sketch, of, inner)


def _form(sketch: Sketch) -> None:
    """Let the kernel have matrices or rotations, and some operations on them."""
    # rotations of halves are too coarse for most of these to be checked
    known = [form for form in FORMS if form[0] != "quat" or sketch.main.bits > 16]
    main, vector = sketch.dice.one_of(known)
    sketch.forms = frozenset((main, vector))
    names = sorted({row.name for row, _, _ in subject((main, vector), (main,), sketch.main)})
    sketch.palette |= {*sketch.dice.some_of(names, min(4, len(names)))}


def _passed(sketch: Sketch, inner: Struct) -> Iterator[Statement]:
    """A parameter that is a struct, with arrays or without; what a function that is passed it finds in those."""
    dice = sketch.dice
    if not dice.chance(ARRAYS):
        struct_parameter(sketch, inner)
        return
    within = struct_type(sketch, arrays=True) if dice.chance(INNER_ARRAYS) else inner
    name = with_arrays(sketch, struct_type(sketch, (within,), arrays=True))
    if dice.chance(LOOKED_UP):
        found = looked_up(sketch, name, 1)
        if found is not None:
            yield found


def _statement(sketch: Sketch, kinds: tuple[Struct, Struct], arrays: list[str]) -> list[Statement]:
    """One statement about structs, or a few."""
    dice = sketch.dice
    known = [name for kind in dict.fromkeys(kinds) for name in locals_of(sketch, kind)]
    mutable = [name for name in known if not any(p.name.startswith(f"{name}.") for p in sketch.parameters)]
    if mutable and sketch.options is not None and dice.chance(50):
        return [altered(sketch, dice.one_of(mutable))]
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
    """What goes to arrays in structs; a struct stored, fields of an array of structs updated, or a number."""
    dice = sketch.dice
    held = written_arrays(sketch)
    for array in held:
        if dice.chance(PUSHED):
            yield pushed(sketch, array.name.partition(".")[0], array, 1)
        else:
            yield from put_in_array(sketch, array, dice.between(1, 2))
    known = [name for kind in dict.fromkeys((of, inner)) for name in locals_of(sketch, kind)]
    kind = dice.below(6 if held else 4)
    if kind == 1 and known:
        yield from stored(sketch, dice.one_of(known))
    elif kind == 2:
        yield from updated(sketch, dice.one_of((of, inner)), dice.between(1, 2))
    target = sketch.vector_type(sketch.main) if sketch.vectors and dice.chance(30) else sketch.main
    if kind in (0, 3) or any(not v.used for v in sketch.scope if v in sketch.defined):
        yield sketch.store(sketch.output(target), sketch.result(target, dice.between(1, 3)))
