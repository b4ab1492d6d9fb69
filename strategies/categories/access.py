"""Ways to an element or a part of a value, three to a kernel: each small, with outputs of its own."""

from collections.abc import Callable, Iterator
from typing import Final

from strategies.dealing import deal
from strategies.language.nodes import Statement
from strategies.repertoire import places
from strategies.repertoire.access import arrays, built, cells, numbers, records
from strategies.repertoire.access.base import Access, Draw
from strategies.statements import Sketch

#: Launches of all dimensions, with extents that differ, so that exchanged ones show.
LAUNCHES: Final = (
    (4,), (5,), (6,), (9,), (2, 3), (3, 2), (5, 2), (2, 3, 2), (3, 2, 2), (1, 2, 2, 3), (2, 1, 3, 2), (2, 2, 1, 3),
)  # fmt: skip
#: Ways that a kernel goes.
PER_KERNEL: Final = 3


def _placed(draw: Callable[[Sketch], Iterator[Statement]]) -> Draw:
    return lambda way: draw(way.sketch)


WAYS_BY_NAME: Final[dict[str, Draw]] = {
    **arrays.WAYS, **numbers.WAYS, **built.WAYS, **cells.WAYS, **records.WAYS,
    "beside": _placed(places.beside), "filled": _placed(places.filled),
    "paired": _placed(places.paired), "turned": _placed(places.turned),
}  # fmt: skip
#: Slices have the most ways to go wrong.
_DECK: Final = (
    *WAYS_BY_NAME,
    "slice",
    "slice",
    "slice",
    "slice",
    "sweep",
    "row",
    "row",
    "beside",
    "filled",
    "filled",
    "part",
    "part",
    "part of a pose",
    "built of parts",
    "assigned",
    "add in place of a vector",
    "sub in place of a vector",
    "sweep",
    "sweep",
    "part",
    "field",
    "record",
    "record",
    "place of 3 axes",
    "slice",
    "part",
    "unpacked",
)


def body(sketch: Sketch) -> Iterator[Statement]:
    """A few ways, each to another array or value."""
    sketch.max_arrays = 99
    for name in deal(_DECK, sketch.dealt, PER_KERNEL, sketch.dice):
        way = Access(sketch)
        statements = list(WAYS_BY_NAME[name](way))
        yield from (*way.begun, *statements)
        # after all else, so that other adjoints find one that they have to add to
        yield from map(way.stored, way.shared)
