"""One output a thread, from an expression over one to four arrays."""

from collections.abc import Iterator

from strategies.language.nodes import Statement
from strategies.statements import Sketch


def body(sketch: Sketch) -> Iterator[Statement]:
    """Up to two locals, then one store of an expression one to five operations deep."""
    dice = sketch.dice
    if dice.chance(25):
        sketch.allow_integers(1)
    for _ in range(dice.below(3)):
        yield sketch.define(dice.between(1, 2), of=sketch.main, mutable=False)
    of = sketch.main if dice.chance(94) else sketch.dice.one_of(sorted(sketch.allowed, key=repr))
    value = sketch.result(of, dice.between(1, 5))
    output = sketch.output(value.type)  # type: ignore[arg-type]
    yield (sketch.store_sum(output, value) if dice.chance(12) and of is sketch.main else sketch.store(output, value))
