"""Tiles that are changed in place: what they mean, which are refused, and the known defect of their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from test_tiles import BLOCK, FLAGS, X, Y, kernel, make, number, shaped

from harness.oracle.expectation import expect
from harness.sandbox import Sandbox
from harness.triage import REWRITES
from harness.verdict import Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.nodes import Assign, AugmentedAssign, Name, Program, walk
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import INT32, Tile
from strategies.ops import result_type

A, B, TURNED = Name(BLOCK, "a_tile"), Name(BLOCK, "b_tile"), Name(shaped(4, 2), "turned")
SQUARED = Name(BLOCK, "squared")
#: The square of a tile that is changed after it was squared.
OVERWRITTEN = kernel(
    SQUARED,
    Assign(A, X),
    Assign(SQUARED, make("mul", BLOCK, A, A)),
    AugmentedAssign(A, "add", Y),
)
#: A residual: what is added is made of what it is added to.
RESIDUAL = kernel(A, Assign(A, X), AugmentedAssign(A, "sub", make("mul", BLOCK, A, A)))
HARMLESS = kernel(
    A,
    Assign(A, X),
    AugmentedAssign(A, "add", Y),
    AugmentedAssign(A, "div", number(4.0)),
    AugmentedAssign(A, "mul", Y),
)


def test_a_change_means_what_the_operation_does() -> None:
    check_program(HARMLESS, result_type)
    assert "a_tile /= 4.0" in render(HARMLESS)
    found = expect(HARMLESS)
    a, b = (found.inputs[name].astype(float) for name in "ab")
    np.testing.assert_allclose(found.outputs["out"].expected, (a + b) / 4 * b, rtol=1e-6)


def test_changes_that_tiles_do_not_take_are_refused() -> None:
    def refused(program: Program, why: str) -> None:
        with pytest.raises(IllFormed, match=why):
            check_program(program, result_type)

    load = Assign(A, X)
    refused(kernel(A, load, AugmentedAssign(A, "add", number(1.0))), "changed by something else")
    refused(kernel(A, load, AugmentedAssign(A, "bit_and", Y)), "changed by something else")
    turn = Assign(TURNED, make("tile_transpose", TURNED.type, A))  # type: ignore[arg-type]
    refused(kernel(TURNED, load, turn, AugmentedAssign(A, "add", Y)), "may have the same numbers")
    check_program(kernel(TURNED, load, AugmentedAssign(A, "add", Y), turn), result_type)
    # what makes another tile changes none that it shares numbers with
    check_program(kernel(TURNED, load, turn, AugmentedAssign(A, "mul", Y)), result_type)


def test_changes_of_tiles_are_verified_but_for_a_known_defect(sandbox: Sandbox) -> None:
    rewrite = REWRITES["copy_changed_tiles"]
    harmless, *wrong = verify_all([HARMLESS, OVERWRITTEN, RESIDUAL], sandbox)
    assert harmless.tier is Tier.BACKWARD
    assert all(v.failure is not None and v.failure.gradient for v in wrong)
    rewritten = [rewrite(OVERWRITTEN), rewrite(RESIDUAL)]
    for program in rewritten:
        check_program(program, result_type)
        # the change in place itself is still there, and seen
        assert any(isinstance(node, AugmentedAssign) for node in walk(program))
    assert {v.tier for v in verify_all(rewritten, sandbox)} == {Tier.BACKWARD}


def test_only_changes_in_place_of_floats_are_rewritten() -> None:
    rewrite, flags = REWRITES["copy_changed_tiles"], Name(FLAGS, "flags")
    scaled = kernel(A, Assign(A, X), AugmentedAssign(A, "mul", Y))
    counted = kernel(
        make("tile_astype", BLOCK, flags),
        Assign(flags, make("tile_ones", FLAGS)),
        AugmentedAssign(flags, "add", make("tile_ones", FLAGS)),
    )
    assert rewrite(scaled) is scaled
    assert rewrite(counted) is counted


def test_tiles_are_changed_in_many_ways() -> None:
    drawn = [p for n in range(300) if (p := draw("tile", 11, n)) is not None]
    changes = [s for p in drawn for s in p.body if isinstance(s, AugmentedAssign) and isinstance(s.target.type, Tile)]
    assert {s.operator for s in changes} >= {"add", "sub", "mul", "div"}
    assert any(s.target.type.dtype is INT32 for s in changes if isinstance(s.target.type, t.Tile))
