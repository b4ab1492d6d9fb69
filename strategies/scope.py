"""What is visible at a point of a kernel: names, types, between which values they lie, what may be assigned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from strategies.intervals import Interval
from strategies.language.types import Type


@dataclass
class Variable:
    """A local variable, a scalar parameter or a loop index.

    `interval` holds at this point of the program.  Inside a loop, the variables that its body changes
    keep one interval for all iterations: `base` bounds what may be assigned, and `budget` is what one
    iteration may still add, so that the sum over all of them stays inside.
    """

    name: str
    type: Type
    interval: Interval
    mutable: bool = False
    used: bool = True
    #: whether it has a derivative with respect to an input that is not zero
    live: bool = False
    #: whether it is a loop's index, or a literal that is never changed
    constant: bool = False
    #: how far apart the values of a loop's index are
    stride: int = 1
    #: a sum of a dynamic loop: read where no adjoint needs its value, that is in sums alone
    sum_only: bool = False
    #: components that were assigned, which Warp allows once
    assigned_components: set[int] = field(default_factory=set)
    base: float = 0.0
    budget: float | None = None
    #: trips of the loops inside the one that `budget` belongs to are counted from this depth
    loop_depth: int = 0


class Scope:
    """The variables that may be read, innermost last."""

    def __init__(self) -> None:
        self._variables: list[Variable] = []
        self.taken: set[str] = set()

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variables)

    def add(self, variable: Variable) -> Variable:
        """Make `variable` visible."""
        self._variables.append(variable)
        self.taken.add(variable.name)
        return variable

    def of_type(self, wanted: Type) -> list[Variable]:
        """The visible variables of one type that may be read anywhere."""
        return [v for v in self._variables if v.type is wanted and not v.sum_only]

    def mark(self) -> int:
        """A point to come back to with `release`."""
        return len(self._variables)

    def release(self, mark: int) -> list[Variable]:
        """Hide what was added since `mark`; their names stay taken."""
        gone = self._variables[mark:]
        del self._variables[mark:]
        return gone

    def hide(self, name: str) -> None:
        """Hide one variable; its name stays taken."""
        self._variables = [v for v in self._variables if v.name != name]

    def snapshot(self) -> dict[str, Variable]:
        """What is known of each variable now."""
        return {v.name: replace(v, assigned_components=set(v.assigned_components)) for v in self._variables}

    def restore(self, snapshot: dict[str, Variable]) -> None:
        """Go back to what was known at `snapshot`, but for which variables were used."""
        for variable in self._variables:
            if (then := snapshot.get(variable.name)) is not None:
                variable.interval, variable.budget = then.interval, then.budget
                variable.live = then.live

    def merge(self, other: dict[str, Variable]) -> None:
        """Widen what is known to what holds on either of two paths."""
        for variable in self._variables:
            if (there := other.get(variable.name)) is not None:
                variable.interval = variable.interval.join(there.interval)
                variable.assigned_components |= there.assigned_components
                # what one path leaves unread is not read by the other
                variable.used = variable.used and there.used
                variable.live |= there.live
                if variable.budget is not None and there.budget is not None:
                    variable.budget = min(variable.budget, there.budget)
