"""What people compute element by element: blends, thresholds, activations, errors, waves, steps of an optimiser.

Each function gives the expression of one idea, over arrays and scalar parameters that it makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from strategies.intervals import Interval
from strategies.language.nodes import Assign, Element, Statement
from strategies.repertoire.phrases import Phrase
from strategies.statements import Sketch

#: Of 100 operands, how many are an expression of the grammar, and how many a local.
DRAWN: Final = 16
LOCAL: Final = 25
#: Of 100 values that are stored in two outputs, for how many the second reads the first one.
AGAIN: Final = 55


def operand(p: Phrase, name: str, low: float = -2.0, high: float = 2.0) -> str:
    """A number that differs from thread to thread: an element, a local that holds one, or a small expression."""
    dice = p.dice
    if dice.chance(DRAWN):
        value = p.sketch.expression(p.real, 1)
        if value.live and value.interval.within(Interval(low, high)):
            p.bind(**{name: value})
            return name
    p.array(f"{name}_of", p.real, low, high)
    if dice.chance(LOCAL):
        p.write(f"{name} = {name}_of[i]")
        return name
    return f"{name}_of[i]"


def scalar(p: Phrase, name: str, low: float, high: float, literals: tuple[float, ...], share: int = 60) -> str:
    """A number that is the same for all threads: a parameter in `share` of 100, or a literal."""
    if p.dice.chance(share):
        p.parameter(name, p.real, low, high)
        return name
    return str(p.dice.one_of(literals))


def saxpy(p: Phrase) -> str:
    """``a * x + y``, and its relatives."""
    a, x, y = scalar(p, "alpha", -2.0, 2.0, (2.0, 0.5, 1.5)), operand(p, "x"), operand(p, "y")
    b = scalar(p, "beta", -1.0, 1.0, (0.5, 0.25, 0.1))
    return p.dice.one_of(
        (f"{a} * {x} + {y}", f"{a} * {x} - {b} * {y}", f"{a} * ({x} + {y})", f"{x} + {a} * ({y} - {x})")
    )


def blend(p: Phrase) -> str:
    """A weighted mean of two."""
    a, b = operand(p, "a"), operand(p, "b")
    t = scalar(p, "t", 0.0, 1.0, (0.25, 0.75, 0.1)) if p.dice.chance(60) else operand(p, "t", 0.0, 1.0)
    return p.dice.one_of((f"(1.0 - {t}) * {a} + {t} * {b}", f"lerp({a}, {b}, {t})", f"{a} * (1.0 - {t}) + {b} * {t}"))


def threshold(p: Phrase) -> str:
    """What is below a limit is cut off, damped or held."""
    if not p.has("x"):
        p.array("x_of", p.real, -2.0, 2.0).write("x = x_of[i]")
    t = scalar(p, "limit", 0.25, 1.5, (0.5, 1.0, 0.1))
    slope = scalar(p, "slope", 0.1, 0.5, (0.1, 0.25, 0.01), 30)
    return p.dice.one_of((
        f"x if x > {t} else 0.0", f"x if x > 0.0 else {slope} * x", "max(x, 0.0)", f"min(max(x, 0.0), {t})",
        f"clamp(x, -{t}, {t})", f"max(x - {t}, 0.0)", f"where(x > {t}, x - {t}, 0.0)", f"max(x, {slope} * x)",
    ))  # fmt: skip


def activation(p: Phrase) -> str:
    """What a neuron's sum goes through."""
    x = operand(p, "x")
    if p.dice.chance(35):
        w = scalar(p, "w", -1.0, 1.0, (0.5, 0.25))
        b = scalar(p, "bias", -1.0, 1.0, (0.5, -0.25))
        p.write(f"z = {w} * {x} + {b}")
        x = "z"
    return p.dice.one_of((
        f"1.0 / (1.0 + exp(-{x}))", f"{x} / (1.0 + exp(-{x}))", f"log(1.0 + exp({x}))", f"tanh({x})",
        f"{x} / (1.0 + abs({x}))", f"0.5 * {x} * (1.0 + tanh(0.8 * {x}))", f"{x} if {x} > 0.0 else exp({x}) - 1.0",
    ))  # fmt: skip


def ramp(p: Phrase) -> str:
    """A smooth step between two edges."""
    x = operand(p, "x")
    if p.dice.chance(50):
        edges = [p.dice.one_of(("-1.0", "-0.25", "-0.5")), p.dice.one_of(("1.0", "1.5"))]
        falls = p.dice.chance(25)
        return f"smoothstep({', '.join(reversed(edges) if falls else edges)}, {x})"
    width = p.dice.one_of((2.0, 4.0))
    p.write(f"s = clamp(({x} + {width / 2}) / {width}, 0.0, 1.0)")
    return p.dice.one_of(("s * s * (3.0 - 2.0 * s)", "s * s", "s * s * s * (s * (s * 6.0 - 15.0) + 10.0)"))


def gamma(p: Phrase) -> str:
    """A colour's brightness, changed by a power."""
    c = operand(p, "c", 0.125, 1.0)
    exponent = scalar(p, "power", 0.5, 2.5, (2.2, 0.45, 2.4, 1.5))
    return p.dice.one_of((f"pow({c}, {exponent})", f"{c} ** {exponent}", f"1.0 - pow({c}, {exponent})"))


def normalised(p: Phrase) -> str:
    """A number brought to mean zero and deviation one, or to the range from zero to one."""
    x = operand(p, "x")
    if p.dice.chance(60):
        mean, deviation = scalar(p, "mean", -1.0, 1.0, (0.5, 0.25)), scalar(p, "std", 0.5, 2.0, (0.5, 2.0), 80)
        return f"({x} - {mean}) / {deviation}"
    low, span = scalar(p, "low", -2.0, -1.0, (-2.0, -1.0)), scalar(p, "span", 1.0, 4.0, (4.0, 2.0))
    return p.dice.one_of((f"({x} - {low}) / {span}", f"clamp(({x} - {low}) / {span}, 0.0, 1.0)"))


def size(p: Phrase) -> str:
    """The length of what two numbers are the sides of, and its relatives."""
    x, y = operand(p, "x"), operand(p, "y")
    eps = scalar(p, "eps", 0.1, 0.5, (0.1, 0.25), 25)
    if p.real.notation == "float16":
        eps = "0.25"
    return p.dice.one_of((
        f"sqrt({x} * {x} + {y} * {y} + {eps})", f"{x} * {x} + {y} * {y}", f"abs({x}) + abs({y})",
        f"{x} / sqrt({x} * {x} + {y} * {y} + {eps})", f"max(abs({x}), abs({y}))",
    ))  # fmt: skip


def error(p: Phrase) -> str:
    """How far two numbers are apart: squared, absolute, relative, or by Huber."""
    p.write(f"d = {operand(p, 'a')} - {operand(p, 'b')}")
    delta = scalar(p, "delta", 0.5, 1.0, (1.0, 0.5))
    scale = operand(p, "scale", 0.5, 2.0) if p.dice.chance(25) else "2.0"
    return p.dice.one_of((
        "d * d", "0.5 * d * d", "abs(d)", f"0.5 * d * d if abs(d) < {delta} else {delta} * (abs(d) - 0.5 * {delta})",
        f"d / {scale}", f"d * d / {scale}", "sqrt(d * d + 0.25)",
    ))  # fmt: skip


def polynomial(p: Phrase) -> str:
    """A polynomial, term by term or by Horner."""
    x = operand(p, "x")
    a, b = scalar(p, "a", -1.0, 1.0, (0.5, 2.0, -0.25)), scalar(p, "b", -1.0, 1.0, (1.5, -1.0, 0.5))
    c = scalar(p, "c", -1.0, 1.0, (1.0, 0.25, -2.0))
    return p.dice.one_of((
        f"{a} * {x} * {x} + {b} * {x} + {c}", f"({a} * {x} + {b}) * {x} + {c}", f"{x} * (1.0 - {x}) * {a}",
        f"{a} * {x} * {x} * {x} - {b} * {x}", f"(({a} * {x} + {b}) * {x} + {c}) * {x}",
    ))  # fmt: skip


def decay(p: Phrase) -> str:
    """Something that decays, or a bell curve."""
    x = operand(p, "x")
    k = scalar(p, "rate", 0.1, 1.0, (0.5, 0.25, 2.0))
    if p.dice.chance(50):
        s = scalar(p, "sigma", 0.5, 1.0, (0.5, 1.5, 0.75))
        return p.dice.one_of((f"exp(-{x} * {x} / (2.0 * {s} * {s}))", f"exp(-0.5 * {x} * {x}) * {s}"))
    y = operand(p, "y")
    return p.dice.one_of((f"{y} * exp(-{k} * abs({x}))", f"{y} / (1.0 + {k} * {x} * {x})", f"{y} * exp(-{k})"))


def wave(p: Phrase) -> str:
    """A wave of some height, length and phase."""
    x = operand(p, "x")
    height, speed = scalar(p, "height", 0.5, 2.0, (0.5, 2.0)), scalar(p, "omega", 0.5, 3.0, (2.0, 3.14159, 6.0))
    phase = scalar(p, "phase", -1.0, 1.0, (0.25, 0.5, 1.0))
    f = p.dice.one_of(("sin", "sin", "cos"))
    return p.dice.one_of((f"{height} * {f}({speed} * {x} + {phase})", f"{f}({speed} * {x}) + {height} * {x}",
                          f"{height} * {f}({x} - {phase}) * {f}({x})"))  # fmt: skip


def channels(p: Phrase) -> str:
    """Three channels weighed into one."""
    r, g, b = (operand(p, name, 0.0, 1.0) for name in "rgb")
    return p.dice.one_of((
        f"0.299 * {r} + 0.587 * {g} + 0.114 * {b}", f"({r} + {g} + {b}) / 3.0", f"max({r}, max({g}, {b}))",
        f"0.2126 * {r} + 0.7152 * {g} + 0.0722 * {b}",
    ))  # fmt: skip


def descent(p: Phrase) -> str:
    """A step of an optimiser: plain, with momentum, or scaled by what the gradient was."""
    w, g = operand(p, "w"), operand(p, "g", -1.0, 1.0)
    rate = scalar(p, "rate", 0.01, 0.5, (0.1, 0.01, 0.5), 85)
    match p.dice.below(4):
        case 0:
            return f"{w} - {rate} * {g}"
        case 1:
            mu = scalar(p, "mu", 0.5, 1.0, (0.9, 0.5))
            p.array("v_of", p.real, -1.0, 1.0).write(f"v = {mu} * v_of[i] - {rate} * {g}")
            return f"{w} + v"
        case 2:
            p.array("s_of", p.real, 0.1, 2.0)
            return f"{w} - {rate} * {g} / (sqrt(s_of[i]) + 0.1)"
        case _:
            weight = scalar(p, "decay", 0.01, 0.25, (0.1, 0.01))
            return f"{w} - {rate} * ({g} + {weight} * {w})"


def motion(p: Phrase) -> str:
    """A step in time, or an energy."""
    x, v = operand(p, "x"), operand(p, "v")
    dt = scalar(p, "dt", 0.01, 0.25, (0.1, 0.01), 85)
    m = operand(p, "m", 0.5, 2.0)
    return p.dice.one_of((
        f"{x} + {v} * {dt}", f"{x} + {v} * {dt} - 0.5 * 9.8 * {dt} * {dt}", f"0.5 * {m} * {v} * {v}",
        f"{v} + {x} / {m} * {dt}", f"{v} * (1.0 - {dt})", f"0.5 * {m} * {v} * {v} + {m} * 9.8 * {x}",
    ))  # fmt: skip


IDEAS: Final[tuple[tuple[int, Callable[[Phrase], str]], ...]] = (
    (4, saxpy), (3, blend), (4, threshold), (4, activation), (2, ramp), (2, gamma), (3, normalised), (3, size),
    (3, error), (3, polynomial), (3, decay), (3, wave), (2, channels), (3, descent), (3, motion),
)  # fmt: skip
#: Those that may have a conditional expression.
CHOOSING: Final = (threshold, activation, error)


def draw_idea(p: Phrase) -> str:
    """The expression of one idea; none with a choice in a kernel that does without."""
    without = () if p.sketch.features.weight("conditional", 1) else CHOOSING
    return p.dice.weighted(tuple(entry for entry in IDEAS if entry[1] not in without))(p)


def kernel(sketch: Sketch, idea: Callable[[Phrase], str], outputs: int = 1) -> list[Statement]:
    """The lines of an idea, and a store of what its expression comes to, or stores in two `outputs`."""
    phrase = Phrase(sketch)
    text = idea(phrase)
    (stored if outputs == 1 else stored_twice)(phrase, text)
    return phrase.body


def stored_twice(p: Phrase, text: str) -> None:
    """Store what an expression comes to, and in a second output what comes of it: read from the first one at times."""
    dice, sketch = p.dice, p.sketch
    if not text.isidentifier():
        p.write(f"res = {text}")
        text = "res"
    value = p.known(text)
    first = sketch.output(p.real)
    store = sketch.store(first, value)
    assert isinstance(store, Assign)
    assert isinstance(store.target, Element)
    p.body.append(store)
    again = value._replace(node=store.target) if dice.chance(AGAIN) else value
    if again is not value and len(p.body) > 1 and dice.chance(60):
        # what the output holds has no other name
        p.body.pop()
        last = p.body[-1]
        if isinstance(last, Assign) and last.target == value.node:
            p.body[-1] = msgspec.structs.replace(store, value=last.value)
        else:
            p.body.append(store)
    p.bind(kept=again).output("more", p.real).parameter("gain", p.real, 0.25, 2.0)
    p.array("base", p.real, -1.0, 1.0)
    p.write("more[i] = " + dice.one_of((
        "kept * kept", "gain * kept", "base[i] - kept", "max(kept, 0.0)", "kept + base[i]", "0.5 * kept", "abs(kept)",
        "kept * base[i]",
    )))  # fmt: skip


def stored(p: Phrase, text: str) -> None:
    """Store what an expression comes to: as it is, scaled, summed, under a condition."""
    dice = p.dice
    p.output("out", p.real)
    match dice.below(10):
        case 0 | 1 | 5 if text.isidentifier():
            p.write(f"out[i] = {text}")
        case 0 | 1:
            p.write(f"res = {text}\nout[i] = res")
        case 2:
            gain = scalar(p, "gain", 0.25, 2.0, (0.5, 2.0), 80)
            p.write(f"out[i] = {gain} * ({text})" if dice.chance(60) else f"res = {text}\nout[i] = res * {gain}")
        case 3:
            p.array("base", p.real, -1.0, 1.0).write(f"out[i] = base[i] + ({text})")
        case 4 if p.sketch.features.weight("augment", 1):
            p.write(f"out[i] += {text}")
        case 5:
            p.array("weight", p.real, 0.25, 2.0).write(f"res = {text}\nout[i] = weight[i] * res")
        case _:
            p.write(f"out[i] = {text}")
