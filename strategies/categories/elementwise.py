"""One output a thread, at times two, from an expression over one to four arrays and at times some scalar parameters."""

from collections.abc import Iterator

from strategies.language.nodes import Assign, Element, Name, Parameter, Statement
from strategies.repertoire.ideas.numbers import draw_idea, kernel
from strategies.statements import Sketch
from strategies.typed import Typed

#: Of 100 kernels, how many are what people compute element by element.
IDEAS = 62
#: Of 100 kernels, how many store in two outputs; of those that are drawn, how many read the first for the second.
TWICE = 26
AGAIN = 60


def body(sketch: Sketch) -> Iterator[Statement]:
    """A blend, an activation, an error and their like; or up to two locals, and an expression one to four deep."""
    dice = sketch.dice
    if dice.chance(IDEAS):
        yield from kernel(sketch, draw_idea, 2 if dice.chance(TWICE) else 1)
        return
    if dice.chance(25):
        sketch.allow_integers()
    if dice.chance(35):
        sketch.awaited_parameter(sketch.main)
    for _ in range(dice.below(3)):
        yield sketch.define(dice.between(1, 2), of=sketch.main, mutable=False)
    of = sketch.main if dice.chance(94) else sketch.dice.one_of(sorted(sketch.allowed, key=repr))
    value = sketch.result(of, dice.between(1, 4))
    output = sketch.output(value.type)  # type: ignore[arg-type]
    if of is sketch.main and dice.chance(TWICE):
        yield from _twice(sketch, output, value)
        return
    yield (sketch.store_sum(output, value) if dice.chance(12) and of is sketch.main else sketch.store(output, value))


def _twice(sketch: Sketch, output: Parameter, value: Typed) -> Iterator[Statement]:
    """A store, and what comes of the value in a second output, which reads it from the first one at times."""
    if isinstance(value.node, Name) or not sketch.dice.chance(AGAIN):
        name = value if isinstance(value.node, Name) else None
        if name is None:
            value = sketch.fit_local(value)
            yield sketch.define_as(value, mutable=False)
            name = sketch.variable(sketch.defined[-1])
        yield sketch.store(output, name)
        kept = name
    else:
        store = sketch.store(output, value)
        assert isinstance(store, Assign)
        assert isinstance(store.target, Element)
        yield store
        kept = value._replace(node=store.target)
    yield sketch.store(sketch.output(sketch.main), sketch.plus(kept, sketch.element(sketch.main)))
