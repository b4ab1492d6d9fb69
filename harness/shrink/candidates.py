"""All edits, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.shrink.calls import fewer_results, inlined, plainer_calls
from harness.shrink.dimensions import extents, fewer_dimensions
from harness.shrink.dress import fewer_options, plainer_ranges, plainer_values, plainly_written, retyped
from harness.shrink.expressions import simpler
from harness.shrink.generics import without_generics
from harness.shrink.hoisting import hoisted
from harness.shrink.naming import renamings
from harness.shrink.order import cost
from harness.shrink.statements import fewer_bounds, fewer_statements, plainer_statements, stored_at_once
from harness.shrink.structs import without_indexed, without_structs
from harness.shrink.tidying import tidy
from harness.shrink.tiles import plainer_tiles
from harness.shrink.tree import with_replays
from harness.shrink.validity import well_formed
from harness.shrink.views import without_views
from strategies.language.nodes import Program, size
from strategies.language.rules import IllFormed
from strategies.language.tiles import has_tiles


def structural(program: Program) -> Iterator[Program]:
    edits = (
        without_generics, without_structs, without_indexed, hoisted, inlined, fewer_results, without_views,
        fewer_statements, stored_at_once, simpler, fewer_dimensions, fewer_bounds, plainer_tiles, retyped,
    )  # fmt: skip
    for edit in edits:
        yield from edit(program)


def dressed(program: Program) -> Iterator[Program]:
    for edit in (
        fewer_options,
        plainly_written,
        plainer_statements,
        plainer_calls,
        extents,
        plainer_values,
        plainer_ranges,
    ):
        yield from edit(program)


def renamed(program: Program) -> Iterator[Program]:
    """Candidates that differ in names only, if those are not what they should be yet."""
    renamed = list(renamings(program))
    if program not in renamed:
        yield from (new for new in renamed if well_formed(new))


def ordered(program: Program, edits: Iterable[Program]) -> Iterator[Program]:
    """Those of `edits` that are valid and strictly simpler than `program`, simplest first.

    Each is tidied.  Only if `program` itself has parts that nothing uses, edits as they are come after all of those:
    the defect may need such parts.
    """
    most, untidy = size(program), tidy(program) != program
    tidied: dict[int, dict[Program, None]] = {}
    raw: dict[int, dict[Program, None]] = {}
    for edited in map(with_replays, edits):
        if has_tiles(edited) and not well_formed(edited):
            # a tile is as many numbers as it says, and what does not fit has none
            continue
        try:
            clean = with_replays(tidy(edited))
        except IllFormed:
            # what a struct or a tuple is made of does not fit, or what is passed is no tuple or has no place
            continue
        tidied.setdefault(size(clean), {})[clean] = None
        if untidy and clean != edited:
            raw.setdefault(size(edited), {})[edited] = None
    for found in (tidied, raw):
        for nodes in sorted(found):
            if nodes > most:
                break
            # equal sizes only are compared further: that is most of the time
            prices = {new: cost(new) for new in found[nodes] if well_formed(new)}
            if nodes == most:
                bound = cost(program)
                prices = {new: price for new, price in prices.items() if price < bound}
            yield from sorted(prices, key=prices.__getitem__)
