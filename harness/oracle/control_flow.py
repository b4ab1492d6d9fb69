"""Loops, calls and their exits, in lockstep: which lanes are where, and what a function's names stand for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harness.oracle.lanes import Mask, Values, numbers_last
from harness.oracle.places import Part
from strategies.language import types
from strategies.language.differentiation import derivatives
from strategies.language.nodes import (
    Call,
    Contribute,
    Expression,
    For,
    Function,
    Name,
    Program,
    Return,
    Statement,
    Target,
    Unpack,
    While,
)
from strategies.language.rules import bound_arguments
from strategies.language.types import Array, Tuple, Type


class InvalidProgram(Exception):
    """A program that relies on what Warp does not define; the generator must not make one."""


#: No generated loop nest runs longer; reaching it is an error of the generator.
MAX_ITERATIONS: Final = 4096


#: The mask of every lane: what has a value everywhere is known by this very object.
EVERYWHERE: Final = np.ones((1, 1, 1), bool)


def no_lanes() -> Mask:
    """The mask of no lane at all."""
    return np.zeros((1, 1, 1), bool)


@dataclass
class LoopFrame:
    """The lanes that have left the current iteration, or the loop."""

    broken: Mask = field(default_factory=no_lanes)
    continued: Mask = field(default_factory=no_lanes)


@dataclass
class Activation:
    """The names of the kernel, or of one call of a function."""

    #: the function, if it is a call of one
    function: str = ""
    environment: dict[str, Values] = field(default_factory=dict)
    #: where each name has a value
    defined: dict[str, Mask] = field(default_factory=dict)
    #: what each name of an array stands for: an array of the kernel, or a part of one
    arrays: dict[str, Part] = field(default_factory=dict)
    frames: list[LoopFrame] = field(default_factory=list)
    #: what a function has returned so far
    results: list[Values] = field(default_factory=list)
    #: what a gradient of a function's own has added to that of each parameter
    contributions: dict[str, Values] = field(default_factory=dict)


class ControlFlow(ABC):
    """The part of an evaluation that decides which statements a lane runs, and in which scope."""

    program: Program
    native: bool
    _here: Activation
    _iterations: int
    #: how much of the noise that each iteration of a loop sees again was used
    _noise_repeated: int

    @abstractmethod
    def _value(self, node: Expression, mask: Mask) -> Values:
        """The value of an expression."""

    @abstractmethod
    def _part(self, node: Expression, mask: Mask) -> Part:
        """The array, or the part of one, that an expression of an array type stands for."""

    @abstractmethod
    def _block(self, body: Sequence[Statement], mask: Mask) -> Mask:
        """Run statements; the lanes that reach their end."""

    @abstractmethod
    def _assign(self, target: Target, value: Values, mask: Mask) -> None:
        """Give a target a value."""

    @abstractmethod
    def _zero(self, of: Type) -> Values:
        """A value of type `of` for lanes that do not count."""

    @staticmethod
    def _select(test: Values, then: Values, otherwise: Values) -> Values:
        if then.ndim > test.ndim:
            test = test[..., None]
        return np.where(test, then, otherwise)

    # ------------------------------------------------------------ loops

    def _begin_iteration(self, noise: int) -> None:
        """Begin an iteration of a loop, before which as much as `noise` was used of what iterations see again."""
        self._noise_repeated = noise
        self._iterations += 1
        if self._iterations > MAX_ITERATIONS:
            raise InvalidProgram(f"{self.program.name} loops more than {MAX_ITERATIONS} times")

    def _for(self, node: For, mask: Mask) -> Mask:
        start = self._value(node.start, mask) if node.start is not None else np.zeros((1, 1, 1), np.int32)
        stop = self._value(node.stop, mask)
        step = self._value(node.step, mask) if node.step is not None else np.ones((1, 1, 1), np.int32)
        if np.any(mask & (step == 0)):
            raise InvalidProgram(f"{self.program.name} has a range with a step of zero")
        step = np.where(step == 0, 1, step)
        span = stop.astype(np.int64) - start
        count = np.maximum(0, np.where(step > 0, -((-span) // step), -(span // -step)))
        frame = LoopFrame()
        self._here.frames.append(frame)
        live, ended, turn, noise = mask, no_lanes(), 0, self._noise_repeated
        while True:
            active = live & (turn < count)
            ended = ended | (live & ~active)
            if not active.any():
                break
            self._begin_iteration(noise)
            self._assign(Name(types.INT32, node.name), (start + turn * step).astype(np.int32), active)
            frame.continued = no_lanes()
            live = self._block(node.body, active) | frame.continued
            turn += 1
        self._here.frames.pop()
        return ended | frame.broken

    def _while(self, node: While, mask: Mask) -> Mask:
        frame = LoopFrame()
        self._here.frames.append(frame)
        live, ended, noise = mask, no_lanes(), self._noise_repeated
        while live.any():
            self._begin_iteration(noise)
            test = self._value(node.test, live)
            active, ended = live & test, ended | (live & ~test)
            if not active.any():
                break
            frame.continued = no_lanes()
            live = self._block(node.body, active) | frame.continued
        self._here.frames.pop()
        return ended | frame.broken

    # ------------------------------------------------------------ functions

    def _call(self, node: Call, mask: Mask) -> tuple[Values, ...]:
        """The results of a call, made by the lanes of `mask`."""
        function = self.program.function(node.function)
        if function.own_gradient:
            return self._own_gradient(function, node, mask)
        if node.derivative:
            return self._derivative(function, node, mask)
        inner = Activation(function.name)
        for parameter, argument in bound_arguments(function, node):
            if isinstance(parameter.type, Array):
                inner.arrays[parameter.name] = self._part(argument, mask)
            else:
                inner.environment[parameter.name] = self._value(argument, mask)
                inner.defined[parameter.name] = EVERYWHERE
        outer, self._here = self._here, inner
        ended = self._block(function.body, mask)
        self._here = outer
        if function.type is not types.VOID and np.any(ended):
            raise InvalidProgram(f"{function.name} ends without a result")
        if not inner.results:
            # no lane has made the call
            inner.results = [self._zero(of) for of in function.results]
        return tuple(inner.results)

    def _own_gradient(self, function: Function, node: Call, mask: Mask) -> tuple[Values, ...]:
        """The results of a function with a gradient of its own, or that gradient.

        The gradient is the specification: away from the unperturbed lane, results are linear in the arguments.
        """
        given = list(bound_arguments(function, node))
        bound = {p.name: self._value(argument, mask) for p, argument in given if not isinstance(p.type, Array)}
        arrays = {p.name: self._part(argument, mask) for p, argument in given if isinstance(p.type, Array)}
        plain = {name: self._unperturbed(value) for name, value in bound.items()}
        inner, ended = self._run(function.body, plain, mask, arrays)
        if np.any(ended):
            raise InvalidProgram(f"{function.name} ends without a result")
        results = [self._unperturbed(r) for r in inner.results or [self._zero(of) for of in function.results]]
        moved = {p.name: numbers_last(v - v[:, :1]) for p in function.inclined if (v := bound[p.name]).shape[1] > 1}
        if node.derivative:
            one = np.ones((1, 1, 1))
            return self._pulled_back(function, [one.astype(results[0].dtype)], plain, mask)
        if self.native:
            # that it is defined
            ones = [np.ones((1,) * result.ndim, result.dtype) for result in results]
            self._pulled_back(function, ones, plain, mask)
            return tuple(results)
        return tuple(self._risen(function, number, result, plain, moved, mask) for number, result in enumerate(results))

    def _derivative(self, function: Function, node: Call, mask: Mask) -> tuple[Values, ...]:
        """The gradient of a function that has none of its own, by calculus; nothing moves through it."""
        given = {p.name: self._unperturbed(self._value(a, mask)) for p, a in bound_arguments(function, node)}
        ran = [self._run(body, given, mask)[0] for body in derivatives(function)]
        return tuple(self._unperturbed((inner.results or [self._zero(function.type)])[0]) for inner in ran)

    def _run(
        self,
        body: Sequence[Statement],
        given: Mapping[str, Values],
        mask: Mask,
        arrays: Mapping[str, Part] | None = None,
    ) -> tuple[Activation, Mask]:
        """Run the body of a function on values; what it leaves behind, and the lanes that reach its end."""
        inner = Activation(environment=dict(given), defined=dict.fromkeys(given, EVERYWHERE), arrays=dict(arrays or {}))
        outer, self._here = self._here, inner
        ended = self._block(body, mask)
        self._here = outer
        return inner, ended

    def _risen(
        self,
        function: Function,
        number: int,
        result: Values,
        plain: Mapping[str, Values],
        moved: Mapping[str, Values],
        mask: Mask,
    ) -> Values:
        """The result of that number where the parameters have `moved`: each of its numbers by their own gradient."""
        flat = numbers_last(result)
        risen = []
        for n in range(flat.shape[3]):
            cotangents = [self._zero(of) for of in function.results]
            basis = np.arange(flat.shape[3]) == n
            cotangents[number] = basis.astype(float).reshape(1, 1, 1, -1) if result.ndim == 4 else np.ones((1, 1, 1))
            found = flat[..., n]
            gradient = self._pulled_back(function, cotangents, plain, mask)
            for slope, parameter in zip(gradient, function.inclined, strict=True):
                if (change := moved.get(parameter.name)) is not None:
                    rise = (self._rounded_slope(numbers_last(slope), parameter.type) * change).sum(axis=-1)
                    rise[:, 0] = 0  # also where the slope is not finite
                    found = found + rise
            risen.append(found)
        return np.stack(np.broadcast_arrays(*risen), axis=-1) if result.ndim == 4 else risen[0]

    def _pulled_back(
        self, function: Function, cotangents: Sequence[Values], plain: Mapping[str, Values], mask: Mask
    ) -> tuple[Values, ...]:
        """What a function's own gradient makes of cotangents, for each parameter that it is with respect to."""
        given = {name.name: value for name, value in zip(function.cotangents, cotangents, strict=True)}
        inner, _ = self._run(function.own_gradient, {**plain, **given}, mask)
        found = (inner.contributions.get(p.name, self._zero(p.type)) for p in function.inclined)
        return tuple(map(self._unperturbed, found))

    def _contribute(self, node: Contribute, mask: Mask) -> None:
        """Add to the gradient with respect to a parameter."""
        sums = self._here.contributions
        before = sums.get(node.target.name, self._zero(node.target.type))
        sums[node.target.name] = self._select(mask, before + self._value(node.value, mask), before)

    def _unperturbed(self, value: Values) -> Values:
        """The lane without a perturbation; in native precision the lanes are different inputs."""
        return value if self.native else value[:, :1]

    @abstractmethod
    def _rounded_slope(self, slope: Values, of: Type) -> Values:
        """Partial derivatives by the numbers of a parameter, on the last axis, that an adjoint multiplies once."""

    def _return(self, node: Return, mask: Mask) -> None:
        values = [self._value(value, mask) for value in node.values]
        before = self._here.results or values
        self._here.results = [self._select(mask, new, old) for new, old in zip(values, before, strict=True)]

    def _values(self, nodes: Sequence[Expression], mask: Mask) -> tuple[Values, ...]:
        """The values of several expressions, or of one that stands for several."""
        if len(nodes) == 1:
            return self._items(nodes[0], mask)
        return tuple(self._value(node, mask) for node in nodes)

    def _items(self, node: Expression, mask: Mask) -> tuple[Values, ...]:
        """The values that an expression of a tuple type stands for."""
        assert isinstance(node.type, Tuple)
        match node:
            case Call():
                return self._call(node, mask)
            case Name():
                names = (item_name(node.name, n) for n in range(len(node.type.items)))
                return tuple(self._value(Name(of, name), mask) for of, name in zip(node.type.items, names, strict=True))
        raise TypeError(f"{node!r} is no tuple")

    def _unpack(self, node: Unpack, mask: Mask) -> None:
        values = self._values(node.values, mask)
        for target, value in zip(node.targets, values, strict=True):
            self._assign(target, value, mask)


def item_name(name: str, item: int) -> str:
    """What one item of a tuple variable is kept under."""
    return f"{name}[{item}]"
