"""What learning computes: rows normalized and attended to, losses, optimizers, clusters, populations, samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strategies.intervals import Interval, symmetric
from strategies.language import types
from strategies.language.nodes import Apply, Literal, Parameter
from strategies.language.types import FLOAT32, INT32
from strategies.repertoire.called import in_pen
from strategies.repertoire.forms import Form
from strategies.repertoire.helpers import bell, huber, leaky, sigmoid, smoothstep
from strategies.repertoire.pen import Pen
from strategies.repertoire.values import Value
from strategies.typed import Typed

_STATE: Final = types.scalar("uint32")


def _row(pen: Pen, width: int, span: float = 1.5) -> tuple[Parameter, tuple[Value, ...]]:
    """A row for each thread, by a name of its own at times, with the indices in front of a place in it."""
    rows = pen.input(span=span, shape=(*pen.sketch.launch, width))
    if pen.dice.chance(35):
        return pen.part(rows, *pen.own), ()
    return rows, pen.own


def _above(value: Value, least: float) -> Value:
    """A sum of terms none of which is below zero, as it is known to be."""
    return value.narrowed(least, max(least + 1.0, value.interval.high))


def _largest(pen: Pen, row: Parameter, at: tuple[Value, ...], width: int) -> Value:
    best = pen.let(pen.at(row, *at, 0), mutable=True)
    with pen.loop(width, 1) as k:
        pen.assign(best, pen.op("max", best, pen.at(row, *at, k)))
    return best


def softmax(pen: Pen) -> None:
    """A softmax of a row, its largest taken off first, at a temperature at times; or a loss of its logarithm."""
    dice, width = pen.dice, pen.dice.between(3, 5)
    row, at = _row(pen, width)
    best = _largest(pen, row, at, width)
    heat = pen.scalar(0.5, 2.0) if dice.chance(40) else None

    def raised(k: Value) -> Value:
        # the largest is among them, and nothing is above it
        less = (pen.at(row, *at, k) - best).narrowed(-3.0, 0.0)
        return pen.op("exp", less if heat is None else less * heat)

    total = pen.total()
    with pen.loop(width) as k:
        pen.add(total, raised(k))
    found = _above(pen.settled(total), 1.0)
    if dice.chance(45):
        label = pen.let(pen.at(pen.places(width)))
        loss = pen.let(pen.op("log", found) - (pen.at(row, *at, label) - best))
        if dice.chance(50):
            pen.atomic("atomic_add", pen.output(shape=(1,), zero=True), loss, 0)
        else:
            pen.keep(loss * pen.at(pen.input()) if dice.chance(40) else loss)
        return
    output = pen.output(shape=(*pen.sketch.launch, width))
    with pen.loop(width) as k:
        pen.store(output, raised(k) / found, *pen.own, k)


def layer_norm(pen: Pen) -> None:
    """A row less its mean over the root of its variance, scaled and moved; or over its root mean square."""
    dice, width = pen.dice, pen.dice.between(3, 5)
    row, at = _row(pen, width)
    mean = None
    if dice.chance(70):
        total = pen.total()
        with pen.loop(width) as k:
            pen.add(total, pen.at(row, *at, k))
        mean = pen.let(pen.settled(total) / float(width))
    spread = pen.total()
    with pen.loop(width) as k:
        value = pen.at(row, *at, k)
        apart = pen.let(value if mean is None else value - mean)
        pen.add(spread, apart * apart)
    variance = _above(pen.settled(spread), 0.0) / float(width)
    scale = pen.let(1.0 / pen.op("sqrt", variance + dice.one_of((0.0625, 0.125, 0.25))))
    gamma = pen.input(span=Interval(0.5, 1.5), shape=(width,))
    beta = pen.input(span=0.5, shape=(width,)) if dice.chance(60) else None
    output = pen.output(shape=(*pen.sketch.launch, width))
    with pen.loop(width) as k:
        value = pen.at(row, *at, k)
        found = (value if mean is None else value - mean) * scale * pen.at(gamma, k)
        pen.store(output, found if beta is None else found + pen.at(beta, k), *pen.own, k)


def attention(pen: Pen) -> None:
    """A query against a few keys: scores, their weights, and a sum of what the keys stand for."""
    dice, depth, count = pen.dice, pen.dice.between(2, 4), pen.dice.between(3, 5)
    query, at = _row(pen, depth, 1.0)
    keys = pen.input(span=1.0, shape=(count, depth))
    values = pen.input(span=1.5, shape=(count,) if dice.chance(55) else (count, depth))
    wide = len(values.shape) > 1
    scale = dice.one_of((0.5, 0.25)) if dice.chance(70) else None
    masked = pen.input(INT32, Interval(0, 1), (count,)) if dice.chance(30) else None
    total, weights = pen.total(), pen.total()
    column = pen.let(pen.at(pen.places(depth))) if wide else None
    with pen.loop(count) as j:
        score = pen.total()
        with pen.loop(depth) as k:
            pen.add(score, pen.at(query, *at, k) * pen.at(keys, j, k))
        found = pen.settled(score)
        weight = pen.let(pen.op("exp", found if scale is None else found * scale))
        value = pen.at(values, j) if column is None else pen.at(values, j, column)
        if masked is not None:
            with pen.when(pen.at(masked, j).differs(0)):
                pen.add(weights, weight)
                pen.add(total, weight * value)
        else:
            pen.add(weights, weight)
            pen.add(total, weight * value)
    below = _above(pen.settled(weights), 0.0)
    pen.give(pen.settled(total) / (below + (0.125 if masked is not None else 0.0625)))


def similarity(pen: Pen) -> None:
    """The cosine between two rows, or two vectors; a distance, or a loss with a margin, of it."""
    dice = pen.dice
    if dice.chance(35):
        of = types.vector(dice.one_of((3, 4, 2)), pen.main)
        a, b = pen.let(pen.at(pen.input(of, 1.5))), pen.let(pen.at(pen.input(of, 1.5)))
        product, sizes = pen.op("dot", a, b), pen.op("length", a) * pen.op("length", b)
        found = pen.let(product / (sizes + pen.number(0.125, 0.5)))
    else:
        width = dice.between(3, 5)
        row, at = _row(pen, width)
        other, there = _row(pen, width) if dice.chance(60) else (pen.input(span=1.5, shape=(width,)), ())
        met, one, two = pen.total(), pen.total(), pen.total()
        with pen.loop(width) as k:
            x, y = pen.let(pen.at(row, *at, k)), pen.let(pen.at(other, *there, k))
            pen.add(met, x * y)
            pen.add(one, x * x)
            pen.add(two, y * y)
        size = pen.op("sqrt", _above(pen.settled(one), 0.0) * _above(pen.settled(two), 0.0) + 0.125)
        found = pen.let(pen.settled(met) / size)
    match dice.below(3):
        case 0:
            pen.give(1.0 - found)
        case 1:
            label = pen.at(pen.input(INT32, Interval(0, 1)))
            loss = pen.choose(label.equals(1), 1.0 - found, pen.op("max", found - pen.number(0.125, 0.5), 0.0))
            loss = pen.let(loss)
            pen.atomic("atomic_add", pen.output(shape=(1,), zero=True), loss, 0)
            pen.keep(loss)
        case _:
            pen.give(found)


def optimizer(pen: Pen) -> None:
    """A step of Adam, of RMSprop, or with a momentum; the state read and written, in place or beside."""
    dice = pen.dice
    gradient = pen.let(pen.at(pen.input(span=1.0)))
    rate, first = pen.scalar(0.0625, 0.25), pen.scalar(0.5, 0.875)
    kind = dice.weighted(((5, "adam"), (2, "scaled"), (3, "momentum")))
    inside = dice.chance(50)

    def state(span: Interval) -> tuple[Value, Parameter]:
        """What the step goes on from, and where it is left."""
        if inside:
            array = pen.sketch.array(pen.main, pen.sketch.launch, span, output=True)
            return pen.let(pen.at(array)), array
        return pen.let(pen.at(pen.input(span=span))), pen.output()

    weight, weights = state(symmetric(1.5))
    if dice.chance(35):
        gradient = pen.let(gradient + pen.number(0.0625, 0.25) * weight)
    change = gradient
    if kind != "scaled":
        mean, means = state(symmetric(1.0))
        mean = pen.let(first * mean + (1.0 - first) * gradient if kind == "adam" else first * mean + gradient)
        pen.store(means, mean)
        change = mean
    if kind != "momentum":
        square, squares = state(Interval(0.0, 1.0))
        second = pen.scalar(0.5, 0.875)
        square = pen.let(second * square + (1.0 - second) * gradient * gradient)
        pen.store(squares, square)
        if kind == "adam" and dice.chance(60):
            steps = pen.scalar(1.0, 6.0)
            change = change / (1.0 - pen.op("pow", first, steps)).narrowed(0.125, 1.0)
            square = square / (1.0 - pen.op("pow", second, steps)).narrowed(0.125, 1.0)
        root = pen.op("sqrt", pen.op("max", square, 0.0) + 0.0625)
        change = pen.named(change, 50) / (root if dice.chance(50) else root + 0.125)
    pen.store(weights, weight - rate * pen.named(change, 50))


def loss(pen: Pen) -> None:
    """A loss over threads by a function of the error, or of a prediction and its label, weighted at times."""
    dice = pen.dice
    if dice.chance(45):
        # logistic: log(1 + exp(-x)) + (1 - label) * x
        logit = pen.let(pen.at(pen.input()))
        label = pen.cast(pen.at(pen.input(INT32, Interval(0, 1))))
        found = pen.op("log", 1.0 + pen.op("exp", -pen.op("abs", logit)))
        found = pen.let(found + pen.op("max", logit, 0.0) - logit * label)
    else:
        curve = in_pen(pen, dice.one_of((huber, huber, bell)))
        found = pen.let(curve(pen.at(pen.input()) - pen.at(pen.input())))
    if dice.chance(35):
        found = pen.let(found * pen.at(pen.input(span=Interval(0.25, 1.5))))
    total = pen.output(shape=(1,), zero=True)
    threads = 1
    for extent in pen.sketch.launch:
        threads *= extent
    pen.atomic("atomic_add", total, found / float(threads) if dice.chance(50) else found, 0)
    if dice.chance(40):
        pen.keep(found)


def dense(pen: Pen) -> None:
    """A layer whose activation is a function, with a gate or what it is added to at times."""
    dice, width, units = pen.dice, pen.dice.between(2, 4), pen.dice.between(2, 4)
    row, at = _row(pen, width, 1.0)
    weights = pen.input(span=1.0, shape=(units, width))
    bias = pen.input(span=0.5, shape=(units,)) if dice.chance(60) else None
    gates = pen.input(span=1.0, shape=(units, width)) if dice.chance(35) else None
    curve = in_pen(pen, dice.one_of((sigmoid, sigmoid, leaky, smoothstep, bell)))
    output = pen.output(shape=(*pen.sketch.launch, units))
    with pen.loop(units) as u:
        total = pen.total()
        gate = pen.total() if gates is not None else None
        with pen.loop(width) as k:
            value = pen.at(row, *at, k) if gate is None else pen.let(pen.at(row, *at, k))
            pen.add(total, pen.at(weights, u, k) * value)
            if gate is not None and gates is not None:
                pen.add(gate, pen.at(gates, u, k) * value)
        found = pen.settled(total) if bias is None else pen.settled(total) + pen.at(bias, u)
        if gate is not None:
            pen.store(output, found * curve(pen.settled(gate)), *pen.own, u)
        else:
            pen.store(output, curve(found), *pen.own, u)


def relaxed(pen: Pen) -> None:
    """Populations of a lattice-Boltzmann cell: their density and momentum, and a step towards equilibrium."""
    dice = pen.dice
    flat = dice.chance(40)
    count = 3 if flat else dice.one_of((5, 9))
    of = pen.main if flat else types.vector(2, pen.main)
    cells = pen.input(span=Interval(0.25, 1.0), shape=(*pen.sketch.launch, count))
    ways = pen.input(of, 1.0, (count,))
    shares = pen.input(span=Interval(0.125, 0.5), shape=(count,))
    density, flow = pen.total(), pen.total(of)
    with pen.loop(count) as q:
        part = pen.let(pen.at(cells, *pen.own, q))
        pen.add(density, part)
        pen.add(flow, pen.at(ways, q) * part)
    rho = pen.settled(density).narrowed(0.25 * count, 1.0 * count)
    # a mean of directions, each of at most one
    speed = pen.let((pen.settled(flow) / rho).narrowed(-1.0, 1.0))
    square = pen.let(speed * speed if flat else pen.op("dot", speed, speed))
    omega = pen.scalar(0.5, 1.5)
    output = pen.output(shape=(*pen.sketch.launch, count))
    with pen.loop(count) as q:
        along = pen.at(ways, q) * speed if flat else pen.op("dot", pen.at(ways, q), speed)
        along = pen.let(3.0 * along)
        balance = pen.let(pen.at(shares, q) * rho * (1.0 + along + 0.5 * (along * along) - 1.5 * square))
        here = pen.at(cells, *pen.own, q)
        pen.store(output, here + omega * (balance - here), *pen.own, q)


def clustered(pen: Pen) -> None:
    """The nearest of a few centres, whose sum and count the point goes to; or a share of each centre."""
    dice, count = pen.dice, pen.dice.between(3, 5)
    of = types.vector(dice.one_of((2, 3)), pen.main)
    x = pen.let(pen.at(pen.input(of, 1.5)))
    centres = pen.input(of, 1.5, (count,))
    if dice.chance(40):
        width = pen.scalar(0.25, 1.0)
        total = pen.total()
        heights = pen.input(span=1.0, shape=(count,))
        with pen.loop(count) as k:
            apart = pen.let(x - pen.at(centres, k))
            pen.add(total, pen.at(heights, k) * pen.op("exp", -(width * pen.op("dot", apart, apart))))
        pen.give(pen.settled(total))
        return
    best = pen.let(pen.literal(64.0), mutable=True)
    which = pen.let(pen.whole(0), mutable=True, within=Interval(0, count - 1))
    with pen.loop(count) as k:
        apart = pen.let(x - pen.at(centres, k))
        distance = pen.let(pen.op("dot", apart, apart).narrowed(0.0, 32.0))
        with pen.when(distance < best):
            pen.assign(best, distance)
            pen.assign(which, k)
    pen.atomic("atomic_add", pen.output(of, (count,), zero=True), x, which)
    pen.atomic("atomic_add", pen.output(INT32, (count,), zero=True), pen.whole(1), which)
    if dice.chance(50):
        pen.keep(best)


def fired(pen: Pen) -> None:
    """Neurons that leak, add up what comes in, and fire above a threshold, over a few steps."""
    dice, steps = pen.dice, pen.dice.between(3, 5)
    given = pen.input(span=1.5, shape=(*pen.sketch.launch, steps))
    potential = pen.let(pen.at(pen.input(span=1.0)), mutable=True, within=symmetric(16.0))
    spikes = pen.let(pen.whole(0), mutable=True, within=Interval(0, steps))
    leak, threshold = pen.scalar(0.5, 0.875), pen.number(0.5, 1.0)
    with pen.loop(steps) as k:
        pen.assign(potential, potential * leak + pen.at(given, *pen.own, k))
        with pen.when(potential > threshold):
            pen.assign(potential, potential - threshold if dice.chance(40) else pen.literal(0.0))
            pen.add(spikes, pen.whole(1))
    pen.keep(spikes)
    pen.keep(potential)


def sampled(pen: Pen) -> None:
    """Random numbers at work: what is dropped out, disturbed, or estimated from a few draws."""
    dice, own = pen.dice, pen.own[0]
    pen.sketch.work_in(FLOAT32)
    pen.main = FLOAT32
    place = own
    for index, extent in zip(pen.own[1:], pen.sketch.launch[1:], strict=True):
        place = place * extent + index
    if len(pen.own) > 1:
        place = pen.let(place)
    seed = pen.scalar(0, 999, INT32)
    state = pen.let(Value(pen, Typed(Apply(_STATE, "rand_init", (seed.node, place.node)), Interval(*_STATE.limits))))

    def draw(op: str, low: float, high: float, *bounds: float) -> Value:
        given = tuple(Literal(FLOAT32, b) for b in bounds)
        return Value(pen, Typed(Apply(FLOAT32, op, (state.node, *given)), Interval(low, high)))

    x = pen.let(pen.at(pen.input()))
    match dice.below(4):
        case 0:
            rate = pen.scalar(0.125, 0.75)
            kept = pen.let(draw("randf", 0.0, 1.0)) >= rate
            pen.keep(pen.choose(kept, x / (1.0 - rate), 0.0))
        case 1:
            found = pen.let(x, mutable=True, within=symmetric(32.0))
            size = pen.scalar(0.0625, 0.5)
            with pen.loop(dice.between(3, 6)):
                step = pen.number(0.0625, 0.25)
                moved = found - step * found + size * draw("randn", -8.0, 8.0)
                pen.assign(found, moved)
            pen.keep(found)
        case 2:
            count = dice.between(4, 8)
            total = pen.total()
            with pen.loop(count):
                at = pen.let(draw("randf", -1.0, 1.0, -1.0, 1.0))
                value = pen.op("exp", -(at * at)) if dice.chance(50) else pen.op("cos", at * x)
                pen.add(total, value * x if dice.chance(30) else value)
            pen.give(pen.settled(total) / float(count))
        case _:
            # Metropolis: a move that is taken if it is downhill, or by chance
            moved = pen.let(x + pen.scalar(0.125, 0.5) * draw("randf", -1.0, 1.0, -1.0, 1.0))
            rise = pen.let(moved * moved - x * x)
            taken = pen.let(draw("randf", 0.0, 1.0)) < pen.op("exp", -rise)
            pen.keep(pen.choose(pen.either(rise < 0.0, taken), moved, x))


LEARNING: Final[tuple[Form[Callable[[Pen], None]], ...]] = (
    Form(4, softmax, most=3), Form(4, layer_norm, most=3), Form(4, attention, most=3), Form(4, similarity, most=3),
    Form(4, optimizer), Form(4, loss), Form(4, dense, most=3), Form(4, relaxed, most=3), Form(3, clustered),
    Form(2, fired, most=3), Form(9, sampled),
)  # fmt: skip
