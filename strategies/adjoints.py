"""Gradients of functions' own that take more than a line: locals, tests, vectors, functions with two results."""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

from strategies.calls import Callee
from strategies.functions import FunctionSketch
from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Construct, Contribute, Function, Name, Return, Statement
from strategies.language.rules import returned_type
from strategies.language.types import INT32, Type
from strategies.repertoire.unguarded import Unguarded
from strategies.statements import Sketch
from strategies.typed import Typed

#: A parameter: its name, whether it is a number (``F``), a vector (``V``) or whole (``I``), and between which values.
Given = tuple[str, str, float, float]
#: A result: what it is, and between which values.
Gives = tuple[str, float, float]


class Written(NamedTuple):
    """A function that people give a gradient of their own, and that gradient, over `adj_ret` or `adj_ret0`, …"""

    given: tuple[Given, ...]
    body: str
    gives: tuple[Gives, ...]
    adjoint: str


_X: Final[Given] = ("x", "F", -2.0, 2.0)
_Y: Final[Given] = ("y", "F", -2.0, 2.0)
_K: Final[Given] = ("k", "F", 0.5, 2.0)
_STEP: Final[Given] = ("step", "F", 0.25, 1.0)
_V: Final[Given] = ("v", "V", -2.0, 2.0)
_N: Final[Given] = ("n", "V", -1.0, 1.0)

#: Functions of numbers, with one result: straight through, clipped, saturating, kept away from where they are steep.
NUMBERS: Final = (
    Written((_X,), "", (("clamp(x, -1.0, 1.0)", -1, 1),), "if x > -1.0 and x < 1.0:\n adjoint[x] += adj_ret"),
    Written((_X,), "", (("clamp(x, 0.0, 1.0)", 0, 1),),
            "if x < 0.0 or x > 1.0:\n adjoint[x] += 0.125 * adj_ret\nelse:\n adjoint[x] += adj_ret"),
    Written((_X,), "y = tanh(x)", (("y", -1, 1),), "y = tanh(x)\nadjoint[x] += (1.0 - y * y) * adj_ret"),
    Written((_X,), "", (("1.0 / (1.0 + exp(-x))", 0, 1),),
            "s = 1.0 / (1.0 + exp(-x))\nadjoint[x] += s * (1.0 - s) * adj_ret"),
    Written((_X,), "if x > 1.5:\n return x", (("log(1.0 + exp(x))", 0, 2),),
            "if x > 1.5:\n adjoint[x] += adj_ret\nelse:\n e = exp(x)\n adjoint[x] += e / (1.0 + e) * adj_ret"),
    Written((_X,), "", (("x * x * x", -8, 8),),
            "slope = 3.0 * x * x\nif slope > 2.0:\n slope = 2.0\nadjoint[x] += slope * adj_ret"),
    Written((_X,), "", (("exp(x)", 0, 8),), "slope = min(exp(x), 2.0)\nadjoint[x] += slope * adj_ret"),
    Written((_X, _STEP), "", (("round(x / step) * step", -3, 3),), "adjoint[x] += adj_ret"),
    Written((_X, _STEP), "q = round(x / step)", (("q * step", -3, 3),),
            "q = x / step\nadjoint[x] += adj_ret\nadjoint[step] += (round(q) - q) * adj_ret"),
    Written((_X,), "", (("1.0 if x > 0.5 else 0.0", 0, 1),),
            "s = 1.0 / (1.0 + 4.0 * abs(x - 0.5))\nadjoint[x] += s * s * adj_ret"),
    Written((("x", "F", -1.0, 4.0),), "if x <= 0.0:\n return 0.0", (("sqrt(x)", 0, 2),),
            "if x > 0.25:\n adjoint[x] += 0.5 / sqrt(x) * adj_ret\nelif x > 0.0:\n adjoint[x] += adj_ret"),
    Written((_X, _Y), "if abs(y) < 0.25:\n return 0.0", (("x / y", -8, 8),),
            "if abs(y) >= 0.25:\n r = 1.0 / y\n adjoint[x] += r * adj_ret\n adjoint[y] += -x * r * r * adj_ret"),
    Written((_X, _K), "if x <= 0.0:\n return 0.0", (("k * x * x", 0, 8),),
            "if x > 0.0:\n adjoint[x] += 2.0 * k * x * adj_ret\n adjoint[k] += x * x * adj_ret"),
    Written((_X, _Y), "", (("max(x, y)", -2, 2),),
            "if x > y:\n adjoint[x] += adj_ret\nelif y > x:\n adjoint[y] += adj_ret\n"
            "else:\n adjoint[x] += 0.5 * adj_ret\n adjoint[y] += 0.5 * adj_ret"),
    Written((_X, _Y), "", (("sqrt(x * x + y * y)", 0, 3),),
            "r = sqrt(x * x + y * y)\nif r > 0.25:\n adjoint[x] += x / r * adj_ret\n adjoint[y] += y / r * adj_ret"),
    Written((_X,), "if abs(x) < 1.0:\n return 0.5 * x * x", (("abs(x) - 0.5", 0, 2),),
            "slope = x\nif abs(x) > 1.0:\n slope = sign(x)\nadjoint[x] += slope * adj_ret"),
    Written((("x", "F", 0.5, 2.0), ("n", "I", 1, 4)), "", (("x ** F(n)", 0, 16),),
            "p = F(n)\nadjoint[x] += p * x ** (p - 1.0) * adj_ret"),
    Written((_X, _K), "", (("k * tanh(x / k)", -2, 2),),
            "t = tanh(x / k)\nslope = 1.0 - t * t\nadjoint[x] += slope * adj_ret\n"
            "adjoint[k] += (t - x / k * slope) * adj_ret"),
)  # fmt: skip

#: Functions with two results.
PAIRS: Final = (
    Written((_X,), "", (("sin(x)", -1, 1), ("cos(x)", -1, 1)), "adjoint[x] += cos(x) * adj_ret0 - sin(x) * adj_ret1"),
    Written((_X, _Y), "", (("sqrt(x * x + y * y)", 0, 3), ("atan2(y, x)", -4, 4)),
            "r = sqrt(x * x + y * y)\nif r > 0.25:\n c = x / r\n s = y / r\n"
            " adjoint[x] += c * adj_ret0 - s / r * adj_ret1\n adjoint[y] += s * adj_ret0 + c / r * adj_ret1"),
    Written((_X, _Y), "", (("min(x, y)", -2, 2), ("max(x, y)", -2, 2)),
            "if x < y:\n adjoint[x] += adj_ret0\n adjoint[y] += adj_ret1\n"
            "else:\n adjoint[x] += adj_ret1\n adjoint[y] += adj_ret0"),
    Written((_X, _Y, ("k", "F", 0.0625, 0.5)), "speed = y - 4.0 * k * x", (("x + k * speed", -6, 6), ("speed", -6, 6)),
            "speed = y - 4.0 * k * x\nrate = k * adj_ret0 + adj_ret1\nadjoint[x] += adj_ret0 - 4.0 * k * rate\n"
            "adjoint[y] += rate\nadjoint[k] += speed * adj_ret0 - 4.0 * x * rate"),
    Written((_X,), "held = clamp(x, -1.0, 1.0)", (("held", -1, 1), ("x - held", -1, 1)),
            "if abs(x) < 1.0:\n adjoint[x] += adj_ret0\nelse:\n adjoint[x] += adj_ret1"),
    Written((_X,), "base = floor(x)", (("base", -2, 2), ("x - base", 0, 1)), "adjoint[x] += adj_ret0 + adj_ret1"),
    Written((_X,), "", (("x * x * x", -8, 8), ("3.0 * x * x", 0, 12)),
            "adjoint[x] += 3.0 * x * x * adj_ret0 + 6.0 * x * adj_ret1"),
    Written((_X, _Y), "", (("0.5 * (x + y)", -2, 2), ("x - y", -4, 4)),
            "half = 0.5 * adj_ret0\nadjoint[x] += half + adj_ret1\nadjoint[y] += half - adj_ret1"),
    Written((_V,), "r = max(length(v), 0.25)", (("v / r", -4, 4), ("r", 0, 4)),
            "r = length(v)\nif r > 0.25:\n u = v / r\n"
            " adjoint[v] += (adj_ret0 - u * dot(u, adj_ret0)) / r + u * adj_ret1\n"
            "else:\n adjoint[v] += 4.0 * adj_ret0"),
    Written((_V, _N), "along = dot(v, n)", (("along", -6, 6), ("v - n * along", -8, 8)),
            "along = dot(v, n)\nrate = adj_ret0 - dot(n, adj_ret1)\nadjoint[v] += adj_ret1 + n * rate\n"
            "adjoint[n] += v * rate - adj_ret1 * along"),
)  # fmt: skip

#: Functions of vectors, with one result.
VECTORS: Final = (
    Written((_V,), "r = length(v)\nif r < 0.25:\n return zero", (("v / r", -1, 1),),
            "r = length(v)\nif r >= 0.25:\n u = v / r\n adjoint[v] += (adj_ret - u * dot(u, adj_ret)) / r"),
    Written((_V,), "", (("length(v)", 0, 4),), "r = length(v)\nif r > 0.25:\n adjoint[v] += v / r * adj_ret"),
    Written((_V,), "", (("v / sqrt(dot(v, v) + 0.25)", -1, 1),),
            "s = 1.0 / sqrt(dot(v, v) + 0.25)\nadjoint[v] += (adj_ret - v * (dot(v, adj_ret) * s * s)) * s"),
    Written((_V, _K), "r = length(v)\nif r <= k:\n return v", (("v * (k / r)", -2, 2),), "adjoint[v] += adj_ret"),
    Written((_V, _K), "r = length(v)\nif r > k:\n return v * (k / r)", (("v", -2, 2),),
            "r = length(v)\nif r > k:\n u = v / r\n adjoint[v] += (adj_ret - u * dot(u, adj_ret)) * (k / r)\n"
            " adjoint[k] += dot(u, adj_ret)\nelse:\n adjoint[v] += adj_ret"),
    Written((_V, _N), "", (("v - n * (2.0 * dot(v, n))", -16, 16),),
            "adjoint[v] += adj_ret - n * (2.0 * dot(n, adj_ret))\n"
            "adjoint[n] += -2.0 * (adj_ret * dot(v, n) + v * dot(n, adj_ret))"),
    Written((_V, _K), "", (("v * k", -4, 4),), "adjoint[v] += k * adj_ret\nadjoint[k] += dot(v, adj_ret)"),
    Written((_V, _N), "", (("dot(v, n)", -6, 6),), "adjoint[v] += n * adj_ret\nadjoint[n] += v * adj_ret"),
    Written((_V, _K), "r = length(v)\nif r >= k:\n return 0.0", (("1.0 - r / k", 0, 1),),
            "r = length(v)\nif r > 0.125 and r < k:\n adjoint[v] += v * (-adj_ret / (r * k))\n"
            " adjoint[k] += r / (k * k) * adj_ret"),
    Written((_V,), "", (("v / (dot(v, v) + 0.5)", -2, 2),),
            "s = 1.0 / (dot(v, v) + 0.5)\nadjoint[v] += s * adj_ret - v * (2.0 * s * s * dot(v, adj_ret))"),
)  # fmt: skip

#: Which of them are drawn.
KINDS: Final = ((9, NUMBERS), (6, PAIRS), (7, VECTORS))


class _Lines(Unguarded):
    """Lines of a function, or of a gradient of its own."""

    def _augmented(self, target: ast.expr, op: str, value: ast.expr) -> Statement:
        match target:
            case ast.Subscript(value=ast.Name(id="adjoint"), slice=ast.Name(id=name)):
                to = self.known(name).node
                assert isinstance(to, Name)
                return Contribute(to, self._expression(value, self.real).node)
        return super()._augmented(target, op, value)


def draw_written(sketch: Sketch, kinds: tuple[tuple[int, tuple[Written, ...]], ...] = KINDS) -> Callee:
    """A function with ``@wp.func_grad`` whose gradient has a few lines."""
    dice = sketch.dice
    written = dice.one_of(dice.weighted(kinds))
    own = FunctionSketch(sketch)
    vector = types.vector(dice.one_of((3, 3, 2)), sketch.main)
    of_kind: dict[str, Type] = {"F": sketch.main, "V": vector, "I": INT32}
    given = {
        name: own.variable(own.parameter(of_kind[kind], Interval(low, high))) for name, kind, low, high in written.given
    }
    lines, zero = _Lines(own), Typed(Construct(vector, ()), Interval(0, 0))
    lines.bind(zero=zero, **given).write(written.body)
    results = lines.results(written.gives, sketch.main)
    end = Return(tuple(r.node for r in results))
    of = returned_type(end)
    # of which the types of the cotangents are known
    bare = Function(own.name, of, tuple(own.parameters), ())
    back = _Lines(own)
    back.bind(**given, **{c.name: Typed(c, symmetric(1.0), True) for c in bare.cotangents}).write(written.adjoint)
    return own.finish(of, [*lines.body, end], results, adjoint=tuple(back.body))
