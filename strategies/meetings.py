"""Names that every arm of a branch gives their first value: what a kernel reads of them after it is either's."""

from __future__ import annotations

from dataclasses import dataclass, field

from strategies.intervals import Interval
from strategies.language.nodes import Expression
from strategies.language.types import Type
from strategies.typed import Typed


@dataclass
class Meeting:
    """A name that is bound in every arm of a branch, and not before it."""

    name: str
    type: Type
    #: what the arms so far have given it
    values: list[Typed] = field(default_factory=list)

    def has(self, node: Expression) -> bool:
        """Whether an arm has given it that value."""
        return any(value.node == node for value in self.values)

    @property
    def interval(self) -> Interval:
        """Between which values it lies after the branch."""
        found = self.values[0].interval
        for value in self.values[1:]:
            found = found.join(value.interval)
        return found

    @property
    def live(self) -> bool:
        """Whether it has a derivative in any arm."""
        return any(value.live for value in self.values)
