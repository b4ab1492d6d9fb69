"""Calls of the program's own functions, wherever an expression may stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from strategies.expressions import Expressions
from strategies.intervals import TRUTH, Interval
from strategies.language import types
from strategies.language.nodes import (
    Call,
    Compare,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Slice,
    View,
    names_in,
    walk,
)
from strategies.language.types import BOOL, INT32, VOID, Array, Scalar, Type, Vector
from strategies.typed import Typed

#: An argument is drawn no deeper than this: what a call computes is in its function.
ARGUMENT_DEPTH: Final = 1
#: Of 100 arguments, how many are an element of an array as it stands; and how large what a parameter takes may be for
#: its argument to be a literal or a parameter of the kernel.
PLAIN_ARGUMENTS: Final = 45
NARROW: Final = 2.0
#: Of 100 parameters with a default that a test of the function reads, how many a call leaves out, and of 100 arguments
#: for such parameters, how many are literals: the test is as good as decided then, and one of its arms never runs.
SETTLED: Final = 12
#: Of 100 arrays that a function reads, how many are a row or a slice of one that the kernel has.
PARTS: Final = 35
#: The longest vector whose numbers are the arguments of a call.
LONGEST: Final = 4
#: Of 100 calls that could have them, how many are given the numbers of a vector with a star.
UNPACKED: Final = 20


class Callee(NamedTuple):
    """A function that may be called, with what is known of its results."""

    function: Function
    #: between which values each result lies
    intervals: tuple[Interval, ...]
    #: whether the results have a derivative with respect to the arguments
    live: bool = True
    #: the parameters that are the thread's place, for a function that changes an array there
    places: tuple[str, ...] = ()

    #: whether what it returns tells how often it was called
    counts: bool = False
    #: between which values each slope of its own gradient lies
    slopes: tuple[Interval, ...] = ()
    #: whether it changes cells that threads share, so that none but who drew it knows how to call it
    shared: bool = False
    #: between which values lies what it leaves in a cell of the array that it changes, if that is known
    leaves: Interval | None = None

    @property
    def effects(self) -> bool:
        """Whether it changes an array, so that how often it is called shows, and in which order."""
        return bool(self.places)


def tested(body: Iterable[Node]) -> frozenset[str]:
    """The names that comparisons read: of a function's parameters, those by which its tests are decided."""
    compared = (node for statement in body for node in walk(statement) if isinstance(node, Compare))
    return frozenset(name for node in compared for name in names_in(node.operands))


class Calls(Expressions):
    """Draws calls among expressions."""

    #: of 100 inner nodes, how many call a function if one fits
    calls: int = 0

    def start_calls(self) -> None:
        """Set up what calls need."""
        self.callees: list[Callee] = []
        self.called: set[str] = set()
        #: the functions whose arguments are drawn
        self.calling: list[str] = []
        #: the arrays that functions change, each its own
        self.changed: dict[str, Parameter] = {}

    def expression(self, of: Type, depth: int) -> Typed:
        """An expression of type `of`, at times a call."""
        if self._wants_call(depth):
            fitting = [c for c in self._callable() if c.function.type is of and not c.effects]
            if fitting:
                return self.call(self._least_called(fitting), depth)
        return super().expression(of, depth)

    def condition(self, depth: int) -> Typed:
        """A truth value, at times what a function says."""
        if self._wants_call(depth):
            fitting = [c for c in self._callable() if c.function.type is BOOL and not c.effects]
            if fitting:
                return self.call(self._least_called(fitting), depth)
        return super().condition(depth)

    def _another(self, parameter: Parameter, found: Typed) -> Typed:
        """Another value for a parameter than `found`, which is passed for one already: what is alike often cancels."""
        of, wanted = parameter.type, Interval(parameter.low, parameter.high)
        if not isinstance(of, Scalar | Vector) or not types.element_scalar(of).is_float:
            return found
        if self._may_take_another() and self._may_read(of):
            return self.fit(self.element_of(self._input_array(of)), wanted)
        return self.literal(of, wanted) if isinstance(of, Scalar) else self.fit(self.expression(of, 1), wanted)

    def _callable(self) -> list[Callee]:
        """The functions that any may call, but those whose arguments are drawn."""
        return [c for c in self.callees if c.function.name not in self.calling and not c.shared]

    def _wants_call(self, depth: int) -> bool:
        return bool(
            self.calls and self.callees and depth > 0 and self.nodes <= self.weights.kernels.nodes
        ) and self.dice.chance(self.calls)

    def _least_called(self, fitting: list[Callee]) -> Callee:
        """One of `fitting`: of those that nothing calls so far, if there are such."""
        fresh = [c for c in fitting if c.function.name not in self.called]
        return self.dice.one_of(fresh or fitting)

    def call(self, callee: Callee, depth: int) -> Typed:
        """A call of `callee`, its arguments held between the values that it is defined for."""
        function = callee.function
        self.called.add(function.name)
        self.nodes += 1
        parameters = list(function.parameters)
        decisive = tested(function.body)
        left_out = {p.name: SETTLED if p.name in decisive else self.weights.functions.left_out for p in parameters}
        plain = [p for p in parameters if p.default is None or not self.dice.chance(left_out[p.name])]
        # parameters in front of one that is given go by their place, or all behind the first by name
        given = parameters if len(plain) == len(parameters) else plain
        named = len(given)
        if given != parameters[: len(given)]:
            named = next(n for n, p in enumerate(given) if p is not parameters[n])
        generic = any(p.generic for p in parameters)
        if self.dice.chance(self.weights.generics.keywords if generic else self.weights.functions.keywords):
            named = min(named, max(1, len(given) - self.dice.between(1, 2)))
        if given[named:] and self.dice.chance(30):
            given = [*given[:named], *reversed(given[named:])]
        depth = min(depth - 1, ARGUMENT_DEPTH)
        # calls are rare among arguments, and none is an argument of the same function
        calls, self.calls = self.calls, self.calls // 4
        self.calling.append(function.name)
        arguments = self._unpacked(given[:named])
        for p in given[len(arguments) :]:
            data = p.name in decisive and not self.dice.chance(SETTLED)
            found = self._place(callee, p) or self.argument(p, depth, data)
            twice = any(found.node == other.node for other in arguments)
            arguments.append(self._another(p, found) if twice else found)
        self.calls = calls
        self.calling.pop()
        node = Call(
            function.type,
            function.name,
            tuple(a.node for a in arguments),
            tuple(p.name for p in given[named:]),
            given=tuple(p.function for p in function.passed),
        )
        interval = callee.intervals[0] if callee.intervals else TRUTH
        return Typed(node, interval, callee.live and any(a.live for a in arguments))

    def _unpacked(self, parameters: Sequence[Parameter]) -> list[Typed]:
        """The numbers of a vector for the first few of `parameters`, at times: ``f(*v)``."""
        of = parameters[0].type if parameters else VOID
        alike = list(takewhile(lambda p: p.type is of, parameters))[:LONGEST]
        if len(alike) < 2 or not isinstance(of, Scalar) or not of.is_float or not self.dice.chance(UNPACKED):
            return []
        within = Interval(max(p.low for p in alike), min(p.high for p in alike))
        return self.unpacked(len(alike), of, within)

    def _place(self, callee: Callee, parameter: Parameter) -> Typed | None:
        """The thread's own place, or the array that is changed there, for a function with an effect."""
        if not callee.effects:
            return None
        if parameter.name in callee.places:
            own = self.indices[callee.places.index(parameter.name)]
            return Typed(Name(INT32, own.name), own.interval)
        if not parameter.output:
            return None
        key = f"{callee.function.name}.{parameter.name}"
        if key not in self.changed:
            self.changed[key] = self._new_array(parameter)
        return Typed(Name(parameter.type, self.changed[key].name), Interval(parameter.low, parameter.high))

    def argument(self, parameter: Parameter, depth: int, data: bool = False) -> Typed:
        """A value for `parameter`; if it is to be `data`, one that differs between threads, as far as there is such."""
        of = parameter.type
        wanted = Interval(parameter.low, parameter.high)
        if isinstance(of, Array):
            part = self._part_of_an_array(parameter) if self.dice.chance(PARTS) else None
            node = part or Name(of, self.matching_array(parameter).name)
            return Typed(node, wanted, types.element_scalar(of).is_float)
        if of is INT32:
            return self._whole_argument(wanted, data)
        if of is BOOL:
            return self.condition(max(depth, 1))
        if (
            isinstance(of, Scalar)
            and of.is_float
            and wanted.size <= NARROW
            and (wanted.low > 0 or not self.dice.below(4))
        ):
            # a guard would hold most of an expression's values at one end
            known = [v for v in self.scope.of_type(of) if v.interval.within(wanted)]
            if known and self.dice.chance(60):
                return self.variable(self.dice.one_of(known))
            if data and self._may_take_another():
                return self.element_of(self.array(of, self.launch_shape(), wanted))
            return (
                self.literal(of, wanted) if self.dice.chance(60) else self.variable(self.scalar_parameter(of, wanted))
            )
        plain = self._may_read(of) and isinstance(of, Scalar | Vector) and self.dice.chance(PLAIN_ARGUMENTS)
        value = self.element(of) if plain and isinstance(of, Scalar | Vector) else self.expression(of, depth)
        if isinstance(value.node, Literal) and (data or (depth > 0 and self.dice.chance(70))) and self._may_read(of):
            assert isinstance(of, Scalar | Vector)
            value = self.element(of)
        if isinstance(value.node, Literal) and isinstance(of, Scalar):
            return self.literal(of, wanted)
        return self.fit(value, wanted)

    def _may_take_another(self) -> bool:
        """Whether there may be one more array to read."""
        return sum(isinstance(p.type, Array) and not p.output for p in self.parameters) < self.max_arrays

    def _whole_argument(self, wanted: Interval, data: bool) -> Typed:
        """An index or a count: a name whose values fit, a literal, or an expression held in range."""
        fitting = [v for v in self.scope.of_type(INT32) if v.interval.within(wanted)]
        if fitting and not self.dice.chance(15):
            return self.variable(self.dice.one_of(fitting))
        whole = [v for v in self.scope.of_type(INT32) if not v.interval.is_point]
        if not whole or (not data and (wanted.low > 0 or wanted.high < 0 or self.dice.chance(50))):
            return self.literal(INT32, wanted)
        chosen = self.variable(self.dice.one_of(whole))
        return self.fit(chosen, wanted)

    def _part_of_an_array(self, parameter: Parameter) -> View | None:
        """A row or a slice of a new array that is as long as `parameter`: ``m[i]``, ``x[1:]``; None where there is no
        room for another array."""
        of, dice = parameter.type, self.dice
        if parameter.output or parameter.generic or parameter.axes or not self._may_take_another():
            return None
        assert isinstance(of, Array)
        assert isinstance(of.dtype, Scalar | Vector)
        length, *others = parameter.shape
        wanted = Interval(parameter.low, parameter.high)
        if dice.chance(50):
            whole = self.array(of.dtype, (self.launch[0], *parameter.shape), wanted)
            return View(of, whole.name, (Name(INT32, self.indices[0].name),))
        number = dice.between(1, 2)
        longer, index = dice.one_of((
            (length + number, Slice(Literal(INT32, number))),
            (length + number, Slice(None, Literal(INT32, -number))),
            (length, Slice(None, None, Literal(INT32, -1))),
            (2 * length, Slice(None, None, Literal(INT32, 2))),
        ))  # fmt: skip
        return View(of, self.array(of.dtype, (longer, *others), wanted).name, (index,))

    def matching_array(self, parameter: Parameter) -> Parameter:
        """An array of the kernel that can be passed for `parameter`, made if there is none."""
        fitting = [
            p
            for p in self.parameters
            if p.type is parameter.type
            and not p.output
            and p.shape == parameter.shape
            and p.low >= parameter.low
            and p.high <= parameter.high
        ]
        return self.dice.one_of(fitting) if fitting else self._new_array(parameter)

    def _new_array(self, parameter: Parameter) -> Parameter:
        assert isinstance(parameter.type, Array)
        assert isinstance(parameter.type.dtype, Scalar | Vector)
        wanted = Interval(parameter.low, parameter.high)
        return self.array(parameter.type.dtype, parameter.shape, wanted, parameter.output)

    def uncalled(self) -> list[Callee]:
        """The functions that nothing calls so far."""
        return [c for c in self.callees if c.function.name not in self.called and c.function.type is not VOID]
