"""Between which values the integers of a program stay: what the bounds of a loop may be."""

from __future__ import annotations

from strategies.intervals import Interval
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Cast,
    Conditional,
    Element,
    Expression,
    Extent,
    For,
    Function,
    Literal,
    Name,
    Program,
    ThreadIndex,
    Unpack,
    walk,
)
from strategies.language.types import Array, Scalar
from strategies.ops import overload

#: Locals that are defined by others, one after the other, are followed so far.
MAX_DEPTH = 8


class Bounds:
    """The intervals of integer expressions in the body of a kernel or a function; of others nothing is known."""

    def __init__(self, program: Program, owner: Program | Function) -> None:
        self._parameters = {p.name: p for p in owner.parameters}
        self._indices: dict[str, Interval] = {}
        self._values: dict[str, Expression] = {}
        #: the loops of an index that nothing else changes
        self._loops: dict[str, list[For]] = {}
        changed: set[str] = set()
        for statement in owner.body:
            for node in walk(statement):
                match node:
                    case ThreadIndex(names=names):
                        sizes = zip(names, program.launch, strict=False)
                        self._indices.update({name: Interval(0, size - 1) for name, size in sizes})
                    case Assign(target=Name(name=name), value=value) if name not in self._values:
                        self._values[name] = value
                    case Assign(target=Name(name=name)) | AugmentedAssign(target=Name(name=name)):
                        changed.add(name)
                    case For(name=name):
                        self._loops.setdefault(name, []).append(node)
                    case Unpack(targets=targets):
                        changed.update(t.name for t in targets if isinstance(t, Name))
        for name in changed | self._parameters.keys() | self._indices.keys():
            self._values.pop(name, None)
            self._loops.pop(name, None)
        for name in self._loops.keys() & self._values.keys():
            del self._loops[name], self._values[name]

    def of(self, node: Expression, depth: int = MAX_DEPTH) -> Interval | None:
        """The interval of an integer expression; None if nothing is known of it."""
        if depth == 0 or not isinstance(node.type, Scalar) or not node.type.is_integer:
            return None
        match node:
            case Literal(value=value):
                return Interval(int(value), int(value))
            case Name(name=name) if name in self._parameters:
                return Interval(self._parameters[name].low, self._parameters[name].high)
            case Name(name=name) if name in self._indices:
                return self._indices[name]
            case Name(name=name) if name in self._values:
                return self.of(self._values[name], depth - 1)
            case Name(name=name) if name in self._loops:
                return self._counted(self._loops[name], depth - 1)
            case Extent() if node.array in self._parameters:
                extent = self._parameters[node.array].shape[node.axis]
                return Interval(extent, extent)
            case Element() if node.array in self._parameters and not self._parameters[node.array].output:
                given = self._parameters[node.array]
                return Interval(given.low, given.high) if isinstance(given.type, Array) else None
            case Cast(operand=operand):
                return self.of(operand, depth - 1)
            case Conditional(then=then, otherwise=otherwise):
                both = self.of(then, depth - 1), self.of(otherwise, depth - 1)
                return None if both[0] is None or both[1] is None else both[0].join(both[1])
            case Apply(op=op, arguments=arguments) if arguments:
                found = [self.of(argument, depth - 1) for argument in arguments]
                known = [interval for interval in found if interval is not None]
                if len(known) < len(found):
                    return None
                return overload(op, node.argument_types).result_interval(node.type, *known)
        return None

    def _counted(self, loops: list[For], depth: int) -> Interval | None:
        """Between which values the index of one of `loops` lies."""
        found: Interval | None = None
        for loop in loops:
            parts = (loop.start or Literal(loop.stop.type, 0), loop.stop, loop.step or Literal(loop.stop.type, 1))
            start, stop, step = (self.of(part, depth) for part in parts)
            if start is None or stop is None or step is None or step.low <= 0 <= step.high:
                return None
            reach = Interval(start.low, max(start.high, stop.high - 1))
            if step.high < 0:
                reach = Interval(min(start.low, stop.low + 1), start.high)
            found = reach if found is None else found.join(reach)
        return found
