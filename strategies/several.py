"""Built-ins with several results, unpacked into new locals: ``axis, angle = wp.quat_to_axis_angle(q)``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from strategies.language import types
from strategies.language.nodes import Apply, Name, Statement, Unpack, size
from strategies.language.several import item
from strategies.language.types import Scalar, Type
from strategies.ops import ITEMS, OPS, OpSpec, instances
from strategies.statements import Sketch
from strategies.typed import Typed

#: The built-ins with several results.
NAMES: Final = tuple(dict.fromkeys(row.spelling_of for row in ITEMS if row.spelling_of))
#: An argument of more nodes has a name: nobody reads a long one beside two results.
LONG: Final = 6


@cache
def rows_of(name: str) -> tuple[OpSpec, ...]:
    """The rows of the results of a built-in, in their order."""
    return tuple(OPS[item(name, n)] for n in range(sum(row.spelling_of == name for row in ITEMS)))


def unpacked(sketch: Sketch, name: str, dtype: Scalar, depth: int) -> Iterator[Statement]:
    """The results of a built-in for arguments of `dtype`, as new locals."""
    choices = [a for a, _ in instances(rows_of(name)[0]) if types.element_scalar(a[0]) is dtype]
    if not choices:
        return
    before, sketch.calls = sketch.calls, 0
    values = [sketch.leaf_or(of, depth) for of in sketch.dice.one_of(choices)]
    sketch.calls = before
    yield from unpack(sketch, name, values)


def unpack(sketch: Sketch, name: str, values: list[Typed]) -> Iterator[Statement]:
    """The results of a built-in for `values`, each held inside its domain, as new locals."""
    rows = rows_of(name)
    given: list[Type] = [value.type for value in values]
    domain = rows[0].domain(types.element_scalar(given[0]))
    values = [sketch.fit(value, place) for value, place in zip(values, domain, strict=True)]
    for n, value in enumerate(values):
        if size(value.node) > LONG:
            yield sketch.define_as(value, mutable=False)
            values[n] = sketch.variable(sketch.defined[-1])
    found = []
    for row in rows:
        of = row.result(given)
        assert of is not None
        live = any(value.live for value in values) and not row.flat
        found.append((Apply(of, row.name, tuple(v.node for v in values)), row, live))
        sketch.nodes += 1
    targets, factors = list[Name](), list[tuple[OpSpec, Typed]]()
    for node, row, live in found:
        interval = row.result_interval(node.type, *(v.interval for v in values))
        # of what is not unique a kernel uses something that is
        name = sketch.fresh() if row.through else sketch.new_local(node.type, interval, live).name
        targets.append(Name(node.type, name))
        if row.through:
            factors.append((row, Typed(targets[-1], interval, live)))
    yield Unpack(tuple(targets), tuple(node for node, _, _ in found))
    for row, factor in factors:
        yield sketch.define_as(sketch.unique(row, factor), mutable=False)
