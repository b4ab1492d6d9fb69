"""Functions that draw: from a state of their own, made of a seed, or from one that they are given.

A state is passed by value, as all numbers are: the caller's goes on from where it was, but for what a function returns.
"""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import Return
from strategies.language.rules import returned_type
from strategies.language.types import FLOAT32, INT32, Scalar
from strategies.repertoire.unguarded import Unguarded
from strategies.statements import Sketch
from strategies.typed import Typed

STATE: Final = types.scalar("uint32")
#: Between which values seeds lie: of a kernel, and those made of it.
SEEDS: Final = Interval(0, 1009)
#: Two pi.
_TURN: Final = "6.2831854820251465"

#: A parameter: its name, and between which values; of a seed, a place and a state these are known.
Given = tuple[str, float, float]
#: A result: what it is, and between which values.
Gives = tuple[str, float, float]


class Sampler(NamedTuple):
    """A function that draws, over a `state`; with `seed` and `place` it makes that first."""

    given: tuple[Given, ...]
    body: str
    gives: tuple[Gives, ...]


_X: Final[Given] = ("x", -2.0, 2.0)
_SIZE: Final[Given] = ("size", 0.125, 1.0)
_RATE: Final[Given] = ("rate", 0.125, 0.75)

#: What is drawn: numbers and points, noise on a value, choices; a result lives if a value goes in.
SAMPLERS: Final = (
    Sampler((), "", (("randf(state, -1.0, 1.0)", -1, 1),)),
    Sampler((_SIZE,), "", (("size * (randf(state) - 0.5)", -0.5, 0.5),)),
    Sampler((_X, _SIZE), "", (("x + size * randn(state)", -8, 8),)),
    Sampler((_X, _SIZE), "noise = randf(state, -1.0, 1.0)", (("x * (1.0 + size * noise)", -4, 4),)),
    Sampler((), "", (("vec2(randf(state), randf(state))", 0, 1),)),
    Sampler((), "", (("vec3(randf(state, -1.0, 1.0), randf(state, -1.0, 1.0), randf(state))", -1, 1),)),
    Sampler((), f"r = sqrt(randf(state))\na = {_TURN} * randf(state)", (("vec2(r * cos(a), r * sin(a))", -1, 1),)),
    Sampler((_SIZE,), "", (("size * sample_unit_sphere(state)", -1, 1),)),
    Sampler((), "p = sample_unit_disk(state)", (("vec3(p[0], p[1], randf(state))", -1, 1),)),
    Sampler((), "total = F(0.0)\nfor n in range(4):\n total += randf(state)", (("total / 4.0", 0, 1),)),
    Sampler((_X, _SIZE), "p = x\nfor n in range(5):\n p += size * randf(state, -1.0, 1.0)", (("p", -7, 7),)),
    Sampler((_SIZE,), "u = randf(state)", (("-log(1.0 - u) * size", 0, 17),)),
    Sampler((), "r = sqrt(-2.0 * log(1.0 - randf(state)))", ((f"r * cos({_TURN} * randf(state))", -6, 6),)),
    Sampler((_X, _RATE), "if randf(state) < rate:\n return 0.0", (("x / (1.0 - rate)", -8, 8),)),
    Sampler((_X, _RATE), "if randf(state) < rate:\n return -x", (("x", -2, 2),)),
    Sampler((_X, ("y", -2.0, 2.0)), "t = randf(state)", (("x + t * (y - x)", -2, 2),)),
    Sampler((), "for n in range(6):\n x = randf(state, -1.0, 1.0)\n y = randf(state, -1.0, 1.0)\n"
                " if x * x + y * y < 1.0:\n  return vec2(x, y)", (("vec2(0.0, 0.0)", -1, 1),)),
)  # fmt: skip

#: What is drawn from a state, with the state to go on from.
HANDED_ON: Final = (
    Sampler((), "u = randf(state)", (("u", 0, 1), ("state", *STATE.limits))),
    Sampler((), "u = randf(state, -1.0, 1.0)", (("u", -1, 1), ("state", *STATE.limits))),
    Sampler((), "g = randn(state)", (("g", -6, 6), ("state", *STATE.limits))),
    Sampler((_SIZE,), "d = size * randf(state, -1.0, 1.0)", (("d", -1, 1), ("state", *STATE.limits))),
    Sampler((), "p = vec2(randf(state), randf(state))", (("p", 0, 1), ("state", *STATE.limits))),
    Sampler((_X, _SIZE), "p = x + size * randn(state)", (("p", -8, 8), ("state", *STATE.limits))),
    Sampler((), "s = state * uint32(1664525) + uint32(1013904223)",
            (("float32(s >> uint32(8)) / 16777216.0", 0, 1), ("s", *STATE.limits))),
)  # fmt: skip


class _Draws(Unguarded):
    """Lines that draw."""

    def _number(self, value: float, of: Scalar | None) -> Typed:
        # beside a state a fraction is a float as elsewhere
        return super()._number(value, self.real if isinstance(value, float) else of)

    def _call(self, name: str, arguments: list[ast.expr], of: Scalar | None) -> Typed:
        found = super()._call(name, arguments, of)
        if name == "randf" and len(arguments) == 3:
            low, high = (self.interval_of(argument).low for argument in arguments[1:])
            return found._replace(interval=Interval(low, high))
        return found


def draw_sampler(sketch: Sketch, sampler: Sampler, threads: int = 0) -> Callee:
    """The function; for a launch of `threads`, it makes the state of a seed and the thread's place."""
    own = FunctionSketch(sketch)
    lines = _Draws(own, real=FLOAT32)
    first = {"seed": SEEDS, "place": Interval(0, threads - 1)} if threads else {"state": Interval(*STATE.limits)}
    known = {name: own.parameter(INT32 if threads else STATE, interval) for name, interval in first.items()}
    lines.bind(**{name: own.variable(parameter) for name, parameter in known.items()})
    for name, low, high in sampler.given:
        lines.bind(**{name: own.variable(own.parameter(FLOAT32, Interval(low, high)))})
    lines.write("state = rand_init(seed, place)" if threads else "")
    lines.write(sampler.body)
    results = lines.results(sampler.gives, FLOAT32)
    end = Return(tuple(r.node for r in results))
    return own.finish(
        returned_type(end), [*lines.body, end], results, needed=tuple(parameter.name for parameter in known.values())
    )
