"""Lines that are defined as they stand: what is known of their parameters and their tests is enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language.nodes import Apply
from strategies.language.types import Scalar
from strategies.ops import overload
from strategies.repertoire.phrase_intervals import operation
from strategies.repertoire.phrases import Phrase
from strategies.typed import Typed

#: How large what lies outside of the domains of rows is taken to be: tests around it, and what it is given, hold it.
_UNKNOWN: Final = 8.0


class Unguarded(Phrase):
    """A phrase that puts no guards where an interval alone does not tell that an operation is defined."""

    def results(self, gives: Iterable[tuple[str, float, float]], of: Scalar) -> list[Typed]:
        """What a function of these lines gives: each result a text, and between which values it lies."""
        return [self.value(text, of)._replace(interval=Interval(low, high)) for text, low, high in gives]

    def _operation(self, op: str, arguments: list[Typed], guarded: bool = True) -> Typed:
        kinds = [a.type for a in arguments]
        row = overload(op, kinds)
        if operation(row, arguments) is not None:
            return super()._operation(op, arguments, guarded)
        of = row.result(kinds)
        assert of is not None
        return Typed(Apply(of, op, tuple(a.node for a in arguments)), symmetric(_UNKNOWN), not row.flat)
