"""The first edit of a program with several outputs: without those that have no part in the failure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.shrink.tidying import tidy
from harness.shrink.tree import stored_in, with_fields, with_replays, without
from harness.shrink.validity import well_formed
from harness.verdict import Failure
from strategies.language.nodes import Program, size


def sliced(program: Program, failure: Failure) -> Iterator[Program]:
    """`program` with a single output, smallest first: of a wrong result that one, of a wrong gradient each that depends
    on the input, and then all of these.  Nothing if it has one output anyway, or no array differs.
    """
    names = [output.name for output in program.outputs]
    if len(names) < 2 or failure.parameter is None:
        return
    if not failure.gradient:
        candidates = [_storing(program, (failure.parameter,))]
    else:
        single = {name: _storing(program, (name,)) for name in names}
        telling = [name for name, one in single.items() if failure.parameter in {p.name for p in one.parameters}]
        candidates = sorted((single[name] for name in telling), key=size)
        if 1 < len(telling) < len(names):
            candidates.append(_storing(program, telling))
    yield from (candidate for candidate in candidates if candidate != program and well_formed(candidate))


def _storing(program: Program, kept: Collection[str]) -> Program:
    """`program` without what it stores in outputs other than `kept`, and without what only that needs."""
    others = {output.name for output in program.outputs}.difference(kept)
    # what unpacks several results into several outputs is left to finer edits
    body = without(program.body, lambda s: bool(found := stored_in(s)) and found <= others)
    return with_replays(tidy(with_fields(program, body=body)))
