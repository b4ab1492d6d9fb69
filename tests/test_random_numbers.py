"""The random generator of the op table, against one written with Python's integers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tiny import AT, apply, program_of

from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.rewrites import REWRITES
from strategies.language import types as t
from strategies.language.nodes import Apply, Assign, Cast, Element, Expression, Literal, Name, Program, walk
from strategies.language.spellings import FACTORS
from strategies.ops import OPS, overload
from strategies.ops.random_generator import advanced, after

STATES = [0, 1, 7, 2**31, 2**32 - 1, 123456789]
WORD = 2**32
#: Two pi, and what keeps a logarithm finite, in the precision of Warp's generator.
TURN, ABOVE_ZERO = float(np.float32(2 * np.pi)), float(np.float32(5.96e-8))


def pcg(state: int) -> int:
    """Jarzynski and Olano's `pcg`, as their paper prints it."""
    stepped = (state * 747796405 + 2891336453) % WORD
    word = ((stepped >> ((stepped >> 28) + 4)) ^ stepped) * 277803737 % WORD
    return (word >> 22) ^ word


def states() -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    return np.array(STATES, np.uint32).reshape(1, 1, -1)


def test_a_step_is_that_of_the_paper() -> None:
    assert advanced(states()).ravel().tolist() == [pcg(state) for state in STATES]


def test_seeds_and_offsets_are_hashed_one_after_the_other() -> None:
    seeds, offsets = [0, -1, 42], [3, 0, -7]
    given = (np.array(n, np.int32).reshape(1, 1, -1) for n in (seeds, offsets))
    row = overload("rand_init", [t.INT32, t.INT32])
    expected = [pcg((s + pcg(o % WORD)) % WORD) for s, o in zip(seeds, offsets, strict=True)]
    assert row.reference(*given).ravel().tolist() == expected
    assert OPS["rand_init"].reference(np.array(seeds, np.int32)).tolist() == [pcg(s % WORD) for s in seeds]


def test_only_draws_between_floats_have_a_derivative_to_miss() -> None:
    assert not overload("randf", [t.scalar("uint32"), t.FLOAT32, t.FLOAT32]).flat
    assert overload("randf", [t.scalar("uint32")]).flat


def test_draws_have_the_documented_values() -> None:
    low, high = (np.full((1, 1, 1), n, np.int32) for n in (-5, 8))
    whole = overload("randi", [t.scalar("uint32"), t.INT32, t.INT32]).reference(states(), low, high)
    assert whole.ravel().tolist() == [pcg(state) % 13 - 5 for state in STATES]
    signed = OPS["randi"].reference(states()).ravel().tolist()
    assert signed == [n - WORD if (n := pcg(state)) >= WORD // 2 else n for state in STATES]
    fractions = OPS["randf"].reference(states()).ravel().tolist()
    assert fractions == [(pcg(state) >> 8) / 2**24 for state in STATES]
    normal = OPS["randn"].reference(lambda v: v, states()).ravel().tolist()
    for state, found in zip(STATES, normal, strict=True):
        first, second = pcg(state), pcg(pcg(state))
        radius = math.sqrt(-2 * math.log((first >> 8) / 2**24 + ABOVE_ZERO))
        assert math.isclose(found, radius * math.cos(TURN * (second >> 8) / 2**24), abs_tol=1e-12)


# ---------------------------------------------------------------- points


class Draws:
    """A state that is used up, in Python's integers."""

    def __init__(self, state: int) -> None:
        self.state = state

    def word(self) -> int:
        self.state = pcg(self.state)
        return self.state

    def unit(self) -> float:
        return (self.word() >> 8) / 2**24


def _polar(radius: float, angle: float) -> list[float]:
    return [radius * math.cos(angle), radius * math.sin(angle)]


def _ball(draws: Draws, height: int, inside: bool) -> list[float]:
    z, angle = 1 - height * draws.unit(), 2 * math.pi * draws.unit()
    radius = draws.unit() ** (1 / 3) if inside else 1.0
    return [radius * x for x in (*_polar(math.sqrt(1 - z * z), angle), z)]


def _triangle(draws: Draws) -> list[float]:
    root = math.sqrt(draws.unit())
    return [1 - root, root * draws.unit()]


POINTS: dict[str, Callable[[Draws], list[float]]] = {
    "triangle": _triangle,
    "unit_ring": lambda draws: _polar(1.0, 2 * math.pi * draws.unit()),
    "unit_disk": lambda draws: _polar(math.sqrt(draws.unit()), 2 * math.pi * draws.unit()),
    "unit_sphere_surface": lambda draws: _ball(draws, 2, inside=False),
    "unit_sphere": lambda draws: _ball(draws, 2, inside=True),
    "unit_hemisphere_surface": lambda draws: _ball(draws, 1, inside=False),
    "unit_hemisphere": lambda draws: _ball(draws, 1, inside=True),
    "unit_square": lambda draws: [draws.unit() - 0.5 for _ in range(2)],
    "unit_cube": lambda draws: [draws.unit() - 0.5 for _ in range(3)],
}
MANY = np.arange(4000, dtype=np.uint32).reshape(1, 1, -1) * np.uint32(2654435761)


def point(name: str, state: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    row = OPS[f"sample_{name}"]
    found = row.reference(lambda v: v, state) if row.composite else row.reference(state)
    return np.asarray(found)[0, 0]


@pytest.mark.parametrize("name", POINTS)
def test_points_use_up_their_draws_in_order(name: str) -> None:
    for state, found in zip(STATES, point(name, states()), strict=True):
        draws = Draws(state)
        # angles are made with two pi as a float of 32 bits
        assert found.tolist() == pytest.approx(POINTS[name](draws), abs=1e-6)
        steps = OPS[f"sample_{name}"].advances
        assert not callable(steps)
        assert after(np.array([state], np.uint32), steps).tolist() == [draws.state]


def test_points_are_uniform_where_the_documentation_says() -> None:
    """Shares and means of areas and volumes, within four standard errors."""

    def share(mask: np.ndarray[Any, Any], expected: float) -> None:
        assert abs(mask.mean() - expected) < 4 * math.sqrt(expected * (1 - expected) / mask.size)

    lengths = {name: np.linalg.norm(point(name, MANY), axis=1) for name in POINTS}
    for name in ("unit_ring", "unit_sphere_surface", "unit_hemisphere_surface"):
        assert np.allclose(lengths[name], 1)
    share(lengths["unit_disk"] < 0.5, 0.25)
    share(lengths["unit_sphere"] < 0.5, 0.125)
    share(lengths["unit_hemisphere"] < 0.5, 0.125)
    for name in ("unit_sphere_surface", "unit_hemisphere_surface", "unit_hemisphere", "unit_sphere"):
        heights = point(name, MANY)[:, 2]
        assert heights.min() >= (0 if "hemi" in name else -1)
        if name.endswith("surface"):
            share(np.abs(heights) < 0.5, 0.5)
    u, v = point("triangle", MANY).T
    assert min(u.min(), v.min()) >= 0
    assert (u + v).max() <= 1
    for coordinate in (u, v, 1 - u - v):
        share(coordinate > 0.5, 0.25)
    for name in ("unit_square", "unit_cube"):
        corner = point(name, MANY)
        assert corner.min() >= -0.5
        assert corner.max() < 0.5
        share(np.all(corner < 0, axis=1), 0.5 ** corner.shape[1])


# ---------------------------------------------------------------- the state


def _kernel(noise: Expression) -> Program:
    """Noise, and a draw that advances the state after it."""
    word = t.scalar("uint32")
    drawn = Assign(Element(t.FLOAT32, "out", (AT,)), Apply(t.FLOAT32, "randf", (Name(word, "s"),)))
    start = Assign(Name(word, "s"), Literal(word, 7))
    return program_of(t.FLOAT32, start, Assign(Name(t.FLOAT32, "y"), noise), drawn)


def test_noise_advances_no_state_and_counts_take_as_many_draws_as_they_need() -> None:
    state = Name(t.scalar("uint32"), "s")
    noise = Apply(t.FLOAT32, "noise", (state, Element(t.FLOAT32, "a", (AT,))))
    assert Draws(7).unit() == _first_draw(_kernel(noise))
    draws = Draws(7)
    _knuth(draws, 2.0)
    count = Cast(t.FLOAT32, Apply(state.type, "poisson", (state, Literal(t.FLOAT32, 2.0))))
    assert draws.unit() == _first_draw(_kernel(count))


def _first_draw(program: Program) -> float:
    inputs = {name: values[None] for name, values in derive(program, 0, Flavour.GENERIC).items()}
    return float(Evaluator(program, inputs, native=True).run().arrays["out"][0, 0, 0])


def test_a_state_that_is_advanced_later_is_copied_for_noise() -> None:
    state = Name(t.scalar("uint32"), "s")
    lone = Apply(t.FLOAT32, "noise", (state, Element(t.FLOAT32, "a", (AT,))))
    found = walk(REWRITES["copy_states"](_kernel(lone)))
    (copied,) = [node for node in found if isinstance(node, Apply) and node.op == "noise"]
    assert copied.arguments == (apply("add", state, Literal(state.type, 0)), lone.arguments[1])
    drawn = Apply(t.FLOAT32, "randf", (state,))
    assert REWRITES["copy_states"](_kernel(drawn)) == _kernel(drawn)


# ---------------------------------------------------------------- Poisson variates


def _knuth(draws: Draws, rate: float) -> int:
    count, product, least = 0, draws.unit(), math.exp(-rate)
    while product > least:
        count, product = count + 1, product * draws.unit()
    return count


def _hoermann(draws: Draws, rate: float) -> int:
    """Algorithm PTRS, as the paper gives it."""
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    alpha = 1 / (1.1239 + 1.1328 / (b - 3.4))
    while True:
        u, v = draws.unit() - 0.5, draws.unit()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v / alpha / (a / us**2 + b)) <= k * math.log(rate) - rate - math.lgamma(k + 1):
            return k


@pytest.mark.parametrize("rate", [0.0, 0.25, 3.0, 9.75, 10.0, 17.5, 30.0])
def test_counts_are_those_of_knuth_and_of_hoermann(rate: float) -> None:
    row, given = OPS["poisson"], np.full((1, 1, 1), rate)
    counts = row.reference(lambda v: v, MANY, given)[0, 0]
    assert callable(row.advances)
    final = after(MANY, row.advances(MANY, given))[0, 0]
    for state, count, at in zip(MANY[0, 0, :300].tolist(), counts, final, strict=False):
        draws = Draws(state)
        assert count == (0 if rate == 0 else (_hoermann if rate >= 10 else _knuth)(draws, rate))
        assert at == draws.state
    # "The returned count has mean and variance both equal to lam."
    error = 4 * math.sqrt(rate / MANY.size)
    assert abs(counts.mean() - rate) <= error
    assert abs(counts.var() - rate) <= error * math.sqrt(2 * rate + 1)


def test_a_count_that_rounding_decides_is_not_compared() -> None:
    row = OPS["poisson"]
    decisions = row.decisions
    assert decisions is not None
    product = pcg(7) >> 8
    rate = -math.log(product / 2**24)
    *_, last = decisions(lambda v: v, np.full((1, 1, 1), 7, np.uint32), np.full((1, 1, 1), rate))
    assert last.distance.item() < 1e-15
    *_, last = decisions(lambda v: v, np.full((1, 1, 1), 7, np.uint32), np.full((1, 1, 1), rate + 0.1))
    assert last.distance.item() > 1e-3


# ---------------------------------------------------------------- noise


def _smooth(t: float) -> float:
    return 6 * t**5 - 15 * t**4 + 10 * t**3


def _perlin(state: int, x: Sequence[float], periods: Sequence[int] = ()) -> float:
    """The mean of the corners' planes, weighed by the product of their coordinates' shares."""
    total = 0.0
    for corner in itertools.product((0, 1), repeat=len(x)):
        cell = [math.floor(c) + side for c, side in zip(x, corner, strict=True)]
        if periods:
            cell = [c % p for c, p in zip(cell, periods, strict=True)]
        hashed = [c * prime % WORD for c, prime in zip(cell, (73856093, 19349663, 53471161, 10000019), strict=False)]
        hashed[-1] = (hashed[-1] + state) % WORD
        word = 0
        for one in hashed:
            word ^= one
        draws = Draws(word)
        gradient = [2 * draws.unit() - 1] if len(x) == 1 else [draws.unit() - 0.5 for _ in x]
        length = 1.0 if len(x) == 1 else math.hypot(*gradient)
        plane = sum(g / length * (c - math.floor(c) - side) for g, c, side in zip(gradient, x, corner, strict=True))
        weights = [_smooth(c - math.floor(c)) for c in x]
        total += plane * math.prod(w if side else 1 - w for w, side in zip(weights, corner, strict=True))
    return total


STATE = 123456789
HERE = np.random.default_rng(3).uniform(-6, 6, (8, 4))


def _noise(name: str, x: np.ndarray[Any, Any], *periods: int) -> np.ndarray[Any, Any]:
    """A row's reference at points, one a line; of curl noise its vectors."""
    lanes, count = x.shape
    place = x.reshape((1, 1, lanes, count) if count > 1 else (1, 1, lanes))
    given = [np.full((1, 1, 1), p, np.int32) for p in periods]
    of = [t.scalar("uint32"), t.vector(count, t.FLOAT32) if count > 1 else t.FLOAT32, *(t.INT32,) * len(periods)]
    found = overload(name, of).reference(lambda v: v, np.full((1, 1, 1), STATE, np.uint32), place, *given)
    return np.asarray(found)[0, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_noise_is_perlins_and_repeats_after_its_periods(count: int) -> None:
    x = HERE[:, :count]
    assert _noise("noise", x).tolist() == pytest.approx([_perlin(STATE, p) for p in x.tolist()], abs=1e-13)
    assert np.allclose(_noise("noise", np.round(x)), 0, atol=1e-15)
    periods, above = (2, 5, 3, 4)[:count], np.abs(x)
    found = _noise("pnoise", above, *periods)
    assert found.tolist() == pytest.approx([_perlin(STATE, p, periods) for p in above.tolist()], abs=1e-13)
    assert np.allclose(_noise("pnoise", above + np.array(periods), *periods), found, atol=1e-12)


def _slope(state: int, x: Sequence[float], axis: int) -> float:
    step = 1e-5
    ahead, behind = ([c + sign * step * (n == axis) for n, c in enumerate(x)] for sign in (1, -1))
    return (_perlin(state, ahead) - _perlin(state, behind)) / (2 * step)


@pytest.mark.parametrize("octaves", [1, 2, 3])
def test_curl_noise_is_the_curl_of_the_octaves_of_noise(octaves: int) -> None:
    name = f"curlnoise_{octaves}"
    frequency, amplitude = FACTORS[octaves]
    plane = _noise(name, HERE[:, :2])
    for x, found in zip(HERE[:, :2].tolist(), plane, strict=True):
        sums = [
            sum(amplitude**n * _slope(STATE, [c * frequency**n for c in x], axis) for n in range(octaves))
            for axis in range(2)
        ]
        assert found.tolist() == pytest.approx([-sums[1], sums[0]], abs=1e-6)
    for count in (3, 4):
        for x, found in zip(HERE[:, :count].tolist(), _noise(name, HERE[:, :count]), strict=True):
            slopes = np.zeros((3, 3))
            state = STATE
            for n in range(octaves):
                for potential in range(3):
                    here = [c * frequency**n for c in x]
                    slopes[potential] += [amplitude**n * _slope(state, here, axis) for axis in range(3)]
                    if potential < 2:
                        state = pcg((state + pcg((10019689, 13112221)[potential])) % WORD)
            one, two, three = slopes
            expected = [three[1] - two[2], one[2] - three[0], two[0] - one[1]]
            assert found.tolist() == pytest.approx(expected, abs=1e-6)
