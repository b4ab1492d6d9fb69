"""The random generator of the op table, against one written with Python's integers."""

from __future__ import annotations

import math

import numpy as np

from strategies.language import types as t
from strategies.ops import OPS, overload
from strategies.ops.random_numbers import advanced

STATES = [0, 1, 7, 2**31, 2**32 - 1, 123456789]
WORD = 2**32


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
        radius = math.sqrt(-2 * math.log((first >> 8) / 2**24 + 2**-24))
        assert math.isclose(found, radius * math.cos(2 * math.pi * (second >> 8) / 2**24), abs_tol=1e-12)


def test_a_point_on_a_circle_or_a_sphere_is_used_by_its_length_alone() -> None:
    for name in ("ring", "sphere_surface", "hemisphere_surface"):
        row = OPS[f"sample_unit_{name}"]
        assert row.through == "length"
        point = row.reference(lambda v: v, states())
        assert np.allclose(OPS["length"].reference(lambda v: v, point), 1, rtol=1e-15)
