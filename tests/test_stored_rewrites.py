"""Rewrites on the stored cases of the issues that they are for: the failure goes away."""

from __future__ import annotations

from pathlib import Path

import pytest
from draws import EVALUATED, drawn
from tiny import AT, apply, program_of

from corpus.case import Case, decode_case
from harness.oracle.exactness import signs_zeros
from harness.oracle.expectation import expect
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink.validity import well_formed
from harness.triage import Ledger
from harness.verify import verify_all
from strategies.categories import CATEGORIES
from strategies.language.check import check_program
from strategies.language.generics import apart
from strategies.language.nodes import Assign, Component, Element, Expression, Literal, Program, rebuild, walk
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, INT32, Tuple
from strategies.ops import result_type

A, B = (Element(FLOAT32, name, (AT,)) for name in "ab")
FAILURES = Path(__file__).resolve().parent.parent / "corpus" / "failures"
ISSUES = (
    "negated-zero",
    "vectors-not-equal",
    "tuple-index-from-the-end",
    "replay-of-several-results",
    "index-of-slice",
    "component-of-tuple-item",
    "matrix-to-half",
    "whole-vector-gradient",
)
#: Draws of inputs.
DRAWS = 4


def stored(issue: str) -> Case:
    return decode_case((FAILURES / issue / "case.json").read_bytes())


@pytest.mark.parametrize("issue", ISSUES)
def test_the_rewrite_of_a_stored_case_does_not_fail(issue: str, sandbox: Sandbox) -> None:
    (entry,) = (entry for entry in Ledger.load().issues if entry.id == issue)
    case = stored(issue)
    program = case.program
    assert entry.rewrite is not None
    rewritten = REWRITES[entry.rewrite](program)
    check_program(rewritten, result_type)
    assert REWRITES[entry.rewrite](rewritten) == rewritten
    # of what it fails on, a zero say, there may be none among one draw's inputs
    draws = range(case.provenance.seed, case.provenance.seed + DRAWS)
    assert any(verify_all([program], sandbox, seed=seed)[0].failure is not None for seed in draws)
    (right,) = verify_all([rewritten], sandbox)
    assert right.failure is None


def test_an_item_that_a_tuple_has_not_is_refused() -> None:
    program = stored("tuple-index-from-the-end").program

    def counted(at: int) -> Program:
        def change(node):  # type: ignore[no-untyped-def]
            if isinstance(node, Component) and isinstance(node.base.type, Tuple):
                return Component(node.type, node.base, Literal(INT32, at))
            return rebuild(node, change)

        found: Program = change(program)
        return found

    (tuple_,) = {node.base.type for node in walk(program) if isinstance(node, Component)}
    assert isinstance(tuple_, Tuple)
    count = len(tuple_.items)
    assert [well_formed(counted(at)) for at in (-count - 1, -count, count - 1, count)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("value", "signed"),
    [
        (apply("mul", A, B), True),
        (apply("neg", A), True),
        (apply("min", A, B), False),
        (apply("add", A, Literal(FLOAT32, -0.0)), False),
    ],
    ids=repr,
)
def test_zeros_have_signs_where_ieee_754_gives_them(value: Expression, signed: bool) -> None:
    program = program_of(FLOAT32, Assign(Element(FLOAT32, "out", (AT,)), value))
    assert signs_zeros(program) == signed
    assert expect(program).outputs["out"].signed == signed


@pytest.mark.parametrize("category", CATEGORIES)
def test_whatever_is_drawn_can_be_rewritten_and_what_comes_of_it_be_analysed(category: str) -> None:
    """All rewrites for a kind of failure are tried on a program that fails so, whatever it holds."""
    for program in map(apart, drawn(category)[:EVALUATED]):
        for rewrite in REWRITES.values():
            assert isinstance(flattened(rewrite(program)), Program)
