"""One output a thread, from an expression over one to four arrays and at times some scalar parameters."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.repertoire.ideas.numbers import draw_idea, kernel
from strategies.statements import Sketch

#: Of 100 kernels, how many are what people compute element by element.
IDEAS = 62


def body(sketch: Sketch) -> Iterator[Statement]:
    """A blend, an activation, an error and their like; or up to two locals, and an expression one to four deep."""
    dice = sketch.dice
    if dice.chance(IDEAS):
        yield from kernel(sketch, draw_idea)
        return
    if dice.chance(25):
        sketch.allow_integers(1)
    if dice.chance(35):
        sketch.awaited_parameter(sketch.main)
    for _ in range(dice.below(3)):
        yield sketch.define(dice.between(1, 2), of=sketch.main, mutable=False)
    of = sketch.main if dice.chance(94) else sketch.dice.one_of(sorted(sketch.allowed, key=repr))
    value = sketch.result(of, dice.between(1, 4))
    output = sketch.output(value.type)  # type: ignore[arg-type]
    yield (sketch.store_sum(output, value) if dice.chance(12) and of is sketch.main else sketch.store(output, value))
