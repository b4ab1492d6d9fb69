"""A function that one computation is written around: called several times, with settings that its calls share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Call, Parameter
from strategies.language.types import Type
from strategies.repertoire.helpers import draw_helper
from strategies.repertoire.pen import Pen
from strategies.repertoire.scenes import Drawn, Scene
from strategies.repertoire.values import Value
from strategies.statements import Sketch
from strategies.typed import Typed

#: What a parameter is given that no two calls differ in.
Setting: TypeAlias = Callable[[Parameter], Typed]


class Called:
    """A function of what `drawn` computes.  Calls differ in its first parameter, which it read first."""

    def __init__(self, sketch: Sketch, drawn: Drawn, setting: Setting) -> None:
        self._sketch = sketch
        self._callee = draw_helper(sketch, drawn)
        self._function = self._callee.function
        sketch.called.add(self._function.name)
        self._settings = [setting(p) for p in self._function.parameters[1:]]

    @property
    def takes(self) -> Type:
        """The type of its first parameter."""
        return self._function.parameters[0].type

    def __call__(self, value: Typed) -> Typed:
        """A call, what it is given held between the values that the function is drawn for."""
        given = [value, *self._settings]
        arguments = [
            self._sketch.fit(argument, Interval(p.low, p.high))
            for argument, p in zip(given, self._function.parameters, strict=True)
        ]
        node = Call(self._function.type, self._function.name, tuple(a.node for a in arguments))
        return Typed(node, self._callee.intervals[0], self._callee.live and any(a.live for a in arguments))


def in_scene(scene: Scene, drawn: Drawn) -> Called:
    """A function for a scene to call; its settings are numbers, and vectors of the thread."""

    def setting(parameter: Parameter) -> Typed:
        if isinstance(parameter.type, types.Scalar):
            return scene.let(scene.gain(max(parameter.low, -2.0), min(parameter.high, 2.0)))
        return scene.let(scene.read(parameter.type))

    return Called(scene.sketch, drawn, setting)


def in_pen(pen: Pen, drawn: Drawn) -> Callable[[Value], Value]:
    """A function of one value for a pen to call; its settings are numbers."""

    def setting(parameter: Parameter) -> Typed:
        low, high = max(parameter.low, -2.0), min(parameter.high, 2.0)
        return pen.named(pen.number(low, high), 0 if parameter.low >= 0 else 60).typed

    function = Called(pen.sketch, drawn, setting)

    def call(value: Value) -> Value:
        return Value(pen, function(value.typed))

    return call
