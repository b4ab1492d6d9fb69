"""What people do about rounding: sums in a wider type or with what was rounded away, two numbers for one, roots that
are refined, small numbers that keep divisors from zero, residuals, polynomials.

Each function writes the lines of one idea and stores its result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import symmetric
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, Scalar
from strategies.repertoire.forms import Form
from strategies.repertoire.ideas.narrowing import PAIRS, loop, narrow, rows, series
from strategies.repertoire.phrases import Phrase

#: What keeps a divisor from zero: not below what the type can tell from it.
EPSILONS: Final = {"float16": 0.6, "float32": 0.4, "float64": 0.3}


def _term(p: Phrase, small: Scalar, wide: Scalar, count: int) -> tuple[str, str, int]:
    """What is summed at `k`, in the wider type: of which array, and along which of its axes."""
    to = wide.notation
    x, axis = series(p, "x", small, count, 1.5)
    w, _ = series(p, "w", small, count)
    p.array("y", small, -1.5, 1.5).parameter("mean", small, -0.5, 0.5)
    text = p.dice.one_of((
        f"{to}({x})", f"{to}({x}) * {to}({w})", f"{to}({x} * {w})", f"{to}({x}) * {to}(y[i])", f"{to}(y[i] - {x})",
        f"{to}({x}) * {to}({x})", f"abs({to}({x}))", f"{to}({x} - mean)", f"{to}({w}) * ({to}({x}) - {to}(y[i]))",
        f"exp({to}({x}))", f"max({to}({x}), {to}({w}))",
    ))  # fmt: skip
    return text, x, axis


def summed(p: Phrase) -> None:
    """A sum in a wider type than that of what is summed; with a second one, a condition, or the mean it gives."""
    dice, count = p.dice, p.dice.between(3, 6)
    small, wide = dice.one_of(PAIRS)
    to = wide.notation
    term, x, axis = _term(p, small, wide, count)
    start = dice.one_of((f"{to}(0.0)", f"{to}(0.0)", f"{to}(y[i])"))
    step = f"total += {term}"
    found = "total"
    match dice.below(5):
        case 0:
            step = f"v = {to}({x})\ntotal += v\nsquares += v * v"
            found = f"squares / {float(count)} - (total / {float(count)}) * (total / {float(count)})"
            start = f"{to}(0.0)\nsquares = {to}(0.0)"
        case 1:
            test = dice.one_of((f"{x} > mean", f"{x} < y[i]", f"abs({x}) < 1.0"))
            step = f"if {test}:\n    {step}"
        case 2:
            found = f"total / {float(count)}"
        case 3:
            step = f"total = total + {term}" if dice.chance(50) else f"total -= {term}"
    p.real = wide
    loop(p, f"total = {start}", count, step, "x", axis)
    narrow(p, wide, dice.one_of((small, small, wide)), found)


def compensated(p: Phrase) -> None:
    """A sum that carries along what rounding took away: by Kahan, Neumaier, Knuth, or in two halves."""
    dice, count = p.dice, p.dice.between(3, 5)
    small, wide = dice.one_of(((FLOAT32, FLOAT64), (FLOAT16, FLOAT32), (FLOAT32, FLOAT64)))
    to = small.notation
    given = dice.one_of((small, wide))
    x, axis = series(p, "x", given, count)
    w, _ = series(p, "w", small, count)
    p.array("own", small, -1.0, 1.0)
    p.real = small
    value = x if given is small else f"{to}({x})"
    value = dice.one_of((value, f"{value} * {w}", f"{value} * own[i]", f"{value} - own[i]", f"{value} * {value}"))
    kind = dice.below(5)
    if kind in (0, 1):
        start = f"s = {dice.one_of(('own[i]', f'{to}(0.0)'))}\nc = {to}(0.0)"
        sign, back = ("-", "") if dice.chance(70) else ("+", "-")
        step = f"y = {value} {sign} c\nt = s + y\n"
        step += "c = (t - s) - y\ns = t" if not back else "c = y - (t - s)\ns = t"
        found = dice.one_of(("s", "s - c" if not back else "s + c"))
    elif kind == 2:
        start = f"s = {dice.one_of(('own[i]', f'{to}(0.0)'))}\nc = {to}(0.0)"
        step = f"v = {value}\nt = s + v\nif abs(s) >= abs(v):\n    c += (s - t) + v\nelse:\n    c += (v - t) + s\ns = t"
        found = "s + c"
    elif kind == 3:
        start = f"s = {to}(0.0)\nc = {to}(0.0)"
        step = f"v = {value}\nt = s + v\nz = t - s\n"
        step += dice.one_of(("c += (s - (t - z)) + (v - z)\ns = t", "e = (s - (t - z)) + (v - z)\nc = c + e\ns = t"))
        found = "s + c"
    else:
        start = f"s = {to}(0.0)\nc = {to}(0.0)"
        step = f"if k % 2 == 0:\n    s += {value}\nelse:\n    c += {value}"
        found = "s + c"
    loop(p, start, count, step, "x", axis)
    parts = found.split()
    if dice.chance(55) and len(parts) == 3:
        found = f"{wide.notation}({parts[0]}) {parts[1]} {wide.notation}({parts[2]})"
        narrow(p, wide, wide if dice.chance(60) else small, found)
    else:
        narrow(p, wide, dice.one_of((wide, small)), f"{wide.notation}({found})")


def split(p: Phrase) -> None:
    """One number as two: what a narrow type holds of it, and what is left; or a product and its error."""
    dice = p.dice
    small, wide = dice.one_of(((FLOAT32, FLOAT64), (FLOAT32, FLOAT64), (FLOAT16, FLOAT32)))
    to, back = small.notation, wide.notation
    p.array("x", wide, -2.0, 2.0).array("y", small, -2.0, 2.0).array("z", small, -2.0, 2.0)
    p.parameter("s", small, 0.25, 1.5)
    if dice.chance(60):
        source = dice.one_of(("x[i]", f"x[i] * {back}(y[i])", f"x[i] + {back}(y[i])", f"x[i] * x[i] - {back}(s)"))
        if source == "x[i]" and dice.chance(50):
            p.write(f"hi = {to}(x[i])\nlo = {to}(x[i] - {back}(hi))")
        else:
            p.write(f"v = {source}\nhi = {to}(v)\nlo = {to}(v - {back}(hi))")
        p.real = small
        how = dice.one_of((
            "s * hi + s * lo", "(hi + y[i]) + lo", "(hi - z[i]) + lo", "hi * z[i] + lo * z[i]", "z[i] + s * (hi + lo)",
            f"{back}(hi) * {back}(s) + {back}(lo)", f"{back}(hi) + {back}(lo) * {back}(s)",
            f"{back}(hi * z[i]) + {back}(lo * z[i])",
        ))  # fmt: skip
        in_wide = how.startswith(back)
        narrow(p, wide if in_wide else small, dice.one_of((wide, small)) if in_wide else wide, how)
        return
    # Veltkamp's splitting and Dekker's product
    factor = {"float32": 4097.0, "float16": 65.0}[to]
    p.real = small
    a, b = dice.one_of((("y[i]", "z[i]"), ("y[i]", "s"), ("y[i]", "y[i]")))
    lines = [f"a = {a}", f"t = {factor} * a", "ah = t - (t - a)", "al = a - ah"]
    if a != b:
        lines += [f"b = {b}", f"u = {factor} * b", "bh = u - (u - b)", "bl = b - bh"]
        error = "((ah * bh - prod) + ah * bl + al * bh) + al * bl"
    else:
        error = "((ah * ah - prod) + 2.0 * ah * al) + al * al"
    lines += [f"prod = a * {'b' if a != b else 'a'}", f"rest = {error}"]
    p.write("\n".join(lines[:-2]))
    # rounding leaves the parts about as large as what they are of
    for name in [name for name in ("ah", "al", "bh", "bl") if p.has(name)]:
        p.narrow({name: symmetric(2.0)})
    p.write("\n".join(lines[-2:]))
    p.narrow({"rest": symmetric(0.125)})
    text = dice.one_of(
        (f"{back}(prod) + {back}(rest)", f"x[i] + {back}(prod) + {back}(rest)", f"{back}(prod + z[i]) + {back}(rest)")
    )
    narrow(p, wide, dice.one_of((wide, small)), text)


def guarded(p: Phrase) -> None:
    """A row normalised: sums in a wider type, and a small number that the type can tell from zero."""
    dice, count = p.dice, p.dice.between(3, 5)
    small, wide = dice.one_of(PAIRS)
    to, back = wide.notation, small.notation
    shape, axis = rows(p, count)
    p.array("x", small, -1.5, 1.5, shape).array("gamma", small, 0.5, 1.5, (count,))
    p.array("beta", small, -0.5, 0.5, (count,)).parameter("eps", wide, EPSILONS[to], 0.75)
    p.real = wide
    centred = dice.chance(60)
    if centred:
        loop(p, f"mean = {to}(0.0)", count, f"mean += {to}(x[i, k])", "x", axis)
        p.write(dice.one_of((f"mean = mean / {float(count)}", f"mean *= {1 / count:.4f}", f"mean /= {float(count)}")))
    own = f"{to}(x[i, k]) - mean" if centred else f"{to}(x[i, k])"
    kind = dice.one_of(("square", "absolute", "largest"))
    zero, eps = f"total = {to}(0.0)", str(EPSILONS[to]) if dice.chance(40) else "eps"
    if kind == "square":
        loop(p, zero, count, f"d = {own}\ntotal += d * d", "x", axis)
        size = dice.one_of((f"sqrt(total / {float(count)} + {eps})", f"sqrt(total + {eps})"))
    elif kind == "absolute":
        loop(p, zero, count, f"total += abs({own})", "x", axis)
        size = f"total + {eps}"
    else:
        loop(p, zero, count, f"total = max(total, abs({own}))", "x", axis)
        size = dice.one_of((f"max(total, {eps})", f"total + {eps}"))
    p.write(f"share = 1.0 / ({size})" if dice.chance(50) else f"size = {size}")
    whole = "(" + own + ")" if centred else own
    value = f"{whole} * share" if p.has("share") else f"{whole} / size"
    match dice.below(4):
        case 0:
            value = f"{value} * {to}(gamma[k]) + {to}(beta[k])"
        case 1:
            value = f"{to}(gamma[k]) * {value}"
        case 2:
            value = f"{value} + {to}(beta[k])"
    p.output("out", small, shape)
    p.write(f"for k in range({count}):\n    out[i, k] = {back}({value})")


def refined(p: Phrase) -> None:
    """A reciprocal or a root that a narrow type guesses, and steps in a wider one make better."""
    dice = p.dice
    small, wide = dice.one_of(PAIRS)
    to = wide.notation
    p.array("a", dice.one_of((wide, small)), 0.5, 2.0).array("b", wide, -2.0, 2.0).array("near", small, 0.5, 1.25)
    p.real = small
    of = f"{small.notation}(a[i])"
    kind = dice.below(3)
    guess = (f"1.0 / {of}", f"1.0 / sqrt({of})", f"sqrt({of})")[kind]
    if dice.chance(30):
        guess = "near[i]"
    p.write(f"r = {to}({guess})")
    p.real = wide
    p.write(f"v = {to}(a[i])")
    step = (
        dice.one_of(("r = r * (2.0 - v * r)", "e = 1.0 - v * r\nr = r + r * e")),
        dice.one_of(("r = r * (1.5 - 0.5 * v * r * r)", "r *= 1.5 - 0.5 * v * r * r")),
        "r = 0.5 * (r + v / r)",
    )[kind]
    if dice.chance(40):
        p.write(step)
    else:
        p.write("for n in range(2):\n" + "\n".join(f"    {line}" for line in step.splitlines()))
    narrow(p, wide, dice.one_of((wide, small)), dice.one_of(("r * b[i]", "r", "b[i] - r", "b[i] * r + v")))


def remaining(p: Phrase) -> None:
    """What a solution in a narrow type leaves of a right side, row by row in a wider one; and a correction of it."""
    dice, count = p.dice, p.dice.between(2, 4)
    small, wide = dice.one_of(PAIRS)
    to = wide.notation
    matrix = dice.one_of((small, wide))
    shape, axis = rows(p, count)
    p.array("m", matrix, -1.0, 1.0, shape).array("x", small, -1.0, 1.0, (count,))
    p.array("b", wide, -2.0, 2.0).array("diagonal", small, 1.0, 2.0).array("own", small, -1.0, 1.0)
    p.parameter("weight", small, 0.25, 1.0)
    p.real = wide
    at = "m[i, k]" if matrix is wide else f"{to}(m[i, k])"
    if dice.chance(60):
        start = dice.one_of(("b[i]", f"b[i] - {to}(own[i])"))
        loop(p, f"r = {start}", count, f"r -= {at} * {to}(x[k])", "m", axis)
    else:
        step = dice.one_of((f"acc += {at} * {to}(x[k])", f"acc = acc + {at} * {to}(x[k])"))
        loop(p, f"acc = {to}(0.0)", count, step, "m", axis)
        p.write("r = b[i] - acc")
    text = dice.one_of((
        "r", f"r / {to}(diagonal[i])", f"{to}(own[i]) + r / {to}(diagonal[i])", f"{to}(own[i]) + {to}(weight) * r",
        "r * r", "abs(r)", f"{to}(weight) * r / {to}(diagonal[i])",
    ))  # fmt: skip
    narrow(p, wide, dice.one_of((small, small, wide)), text)


def evaluated(p: Phrase) -> None:
    """A polynomial whose coefficients are of another precision than what it is taken of, by Horner's scheme."""
    dice, count = p.dice, p.dice.between(3, 4)
    small, wide = dice.one_of(PAIRS)
    inner, table = dice.one_of(((wide, small), (small, wide)))
    p.array("c", table, -1.0, 1.0, (count,)).array("x_of", dice.one_of((wide, small)), -1.0, 1.0)
    p.array("y", small, -1.0, 1.0)
    to = inner.notation
    p.real = inner
    p.write(f"x = {to}(x_of[i])")
    if dice.chance(50):
        p.write(f"v = {to}(c[{count - 1}])")
        step = f"v = v * x + {to}(c[{count - 2} - k])"
        p.write(f"for k in range({count - 1}):\n    {step}")
    else:
        p.write(f"v = {to}(c[0])\npower = x")
        p.write(f"for k in range(1, {count}):\n    v += {to}(c[k]) * power\n    power = power * x")
    other = wide if inner is small else small
    narrow(
        p, inner, dice.one_of((other, other, inner)), dice.one_of(("v", f"v * {to}(y[i])", f"v - {to}(y[i])", "v * x"))
    )


ROUNDING: Final[tuple[Form[Callable[[Phrase], None]], ...]] = (
    Form(6, summed), Form(8, compensated), Form(4, split), Form(4, guarded, most=3), Form(4, refined),
    Form(4, remaining), Form(3, evaluated),
)  # fmt: skip
