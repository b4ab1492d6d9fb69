"""Options of a kernel's own build: written, read, kept to by the limits, and built so."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec
import pytest
from planted import Defect, beyond_bare, sandbox_with, smallest
from simpler import candidates
from tiny import AT, apply, literal

from harness.cpp.generated_code import backward_text
from harness.oracle.expectation import TRAITS
from harness.probes.sweeps import with_mute
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.triage import REWRITES, Ledger
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import structure_hash
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Break,
    Cast,
    Compare,
    Component,
    Construct,
    Element,
    Expression,
    For,
    If,
    Name,
    Options,
    Parameter,
    Part,
    Program,
    Slice,
    Statement,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.language.unrolling import max_unroll
from strategies.ops import result_type

A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
TOTAL = Name(FLOAT32, "total")
PAIR = t.vector(2, FLOAT32)
V = Name(PAIR, "v")
STOP = If(Compare(BOOL, (">",), (TOTAL, literal(FLOAT32, 100.0))), (Break(),))


def number(of: Expression, index: int) -> Component:
    return Component(FLOAT32, of, literal(INT32, index))


def product(trips: int, options: Options | None, leave: bool = False) -> Program:
    """A loop whose adjoint needs what it computed."""
    parameters = (
        Parameter("a", t.array(FLOAT32), 0.5, 1.5, (6,)),
        Parameter("out", t.array(FLOAT32), 0.0, 0.0, (6,), True),
    )
    start = Assign(TOTAL, Cast(FLOAT32, literal(FLOAT32, 1.0)))
    step = AugmentedAssign(TOTAL, "mul", A)
    loop = For("k", literal(INT32, trips), (step, STOP) if leave else (step,))
    body = (ThreadIndex(("i",)), start, loop, Assign(OUT, apply("mul", TOTAL, A)))
    return Program("known", "module_option", (6,), parameters, body, options=options)


PLAIN = product(5, None)
SHORT = product(5, Options(max_unroll=4))
LONG = product(18, Options(max_unroll=20, fuse_fp=False))
DEBUG = product(3, Options(mode="debug"))
FORWARD = product(3, Options(enable_backward=False))
SAID = product(3, Options(enable_backward=True))


def overwritten(options: Options | None, *stores: Statement) -> Program:
    """`stores` to the numbers of a local of two, whose sum with its double is the result."""
    parameters = (
        Parameter("a", t.array(FLOAT32), 0.5, 1.5, (6,)),
        Parameter("p", t.array(PAIR), 0.5, 1.5, (6,)),
        Parameter("out", t.array(FLOAT32), 0.0, 0.0, (6,), True),
    )
    end = Assign(OUT, apply("add", number(V, 0), apply("mul", literal(FLOAT32, 2.0), number(V, 1))))
    body = (ThreadIndex(("i",)), Assign(V, Construct(PAIR, (A, A))), *stores, end)
    return Program("known", "module_option", (6,), parameters, body, options=options)


AGAIN = Options(component_overwrites=True)
TWICE = (Assign(number(V, 0), apply("mul", A, A)), Assign(number(V, 0), apply("mul", number(V, 0), A)))
REVERSED = Assign(Part(PAIR, V, Slice(None, None, literal(INT32, -1))), Element(PAIR, "p", (AT,)))
OVERWRITTEN, UNSAID = overwritten(AGAIN, *TWICE), overwritten(None, *TWICE)
ALL = (PLAIN, SHORT, LONG, DEBUG, FORWARD, SAID, OVERWRITTEN)


def test_they_are_written_as_a_person_would() -> None:
    assert '\n@wp.kernel(module="unique", module_options={"max_unroll": 4})\ndef known(' in render(SHORT)
    assert 'module_options={"max_unroll": 20, "fuse_fp": False})' in render(LONG)
    assert 'module_options={"mode": "debug"})' in render(DEBUG)
    assert "\n@wp.kernel(enable_backward=False)\ndef known(" in render(FORWARD)
    assert "\n@wp.kernel\ndef known(" in render(PLAIN)
    head, _, kernel = render(OVERWRITTEN).partition("@wp.kernel")
    assert head == "import warp as wp\n\nwp.config.enable_vector_component_overwrites = True\n\n\n"
    assert kernel.startswith('(module="unique")\ndef known(')


def test_they_are_part_of_the_program_and_older_programs_have_none() -> None:
    for program in ALL:
        check_program(program, result_type)
        assert decode(encode(program)) == program
    assert b"options" not in encode(PLAIN)
    assert len({structure_hash(p) for p in (PLAIN, SHORT, product(5, FORWARD.options), product(5, SAID.options))}) == 4


@pytest.mark.parametrize("options", [Options(), Options(max_unroll=65), Options(max_unroll=-1), Options(mode="fast")])
def test_options_that_say_nothing_or_nonsense_are_refused(options: Options) -> None:
    with pytest.raises(IllFormed):
        check_program(product(3, options), result_type)


def test_the_limits_are_those_of_the_options() -> None:
    assert max_unroll(PLAIN) == 16
    assert [crossed(p, TRAITS) for p in (PLAIN, LONG, SHORT)] == [(), (), (Limit.DYNAMIC_LOOP,)]
    assert crossed(product(18, None), TRAITS) == (Limit.DYNAMIC_LOOP,)
    assert crossed(FORWARD, TRAITS) == (Limit.NO_BACKWARD,)
    assert crossed(SAID, TRAITS) == ()
    assert crossed(OVERWRITTEN, TRAITS) == ()
    assert crossed(UNSAID, TRAITS) == (Limit.COMPONENT_REASSIGNED,)


def test_loops_that_a_rewrite_makes_are_unrolled_too() -> None:
    guarded = REWRITES["guard_loop_exits"](product(5, Options(max_unroll=4), leave=True))
    loops = [node for node in walk(guarded) if isinstance(node, For)]
    assert len(loops) == 2
    assert crossed(guarded, TRAITS) == ()


def test_exits_of_loops_that_no_option_unrolls_are_written_out() -> None:
    guard = REWRITES["guard_loop_exits"]
    for most in (0, 1, 2):
        found = guard(product(5, Options(max_unroll=most), leave=True))
        assert not any(isinstance(node, For | Break) for node in walk(found))
    endless = product(100, Options(max_unroll=0), leave=True)
    assert guard(endless) is endless


def test_a_kernel_with_options_gets_no_mute_neighbour() -> None:
    assert with_mute(render(FORWARD), "known") == render(FORWARD)
    both = with_mute(render(PLAIN), "known")
    assert "@wp.kernel(enable_backward=False)\ndef known_mute(" in both
    assert both.endswith(render(PLAIN).partition("@wp.kernel")[2])


def test_they_are_verified_in_one_batch_and_built_as_they_say(sandbox: Sandbox) -> None:
    verdicts = verify_all(ALL, sandbox)
    tiers = [Tier.BACKWARD, Tier.FORWARD, Tier.BACKWARD, Tier.BACKWARD, Tier.FORWARD, Tier.BACKWARD, Tier.BACKWARD]
    assert [(v.tier, v.failure) for v in verdicts] == [(tier, None) for tier in tiers]
    plain, short, long, _, forward, said, again = (v.cpp or "" for v in verdicts)
    assert "start_for_" not in plain
    assert "start_for_" in short
    assert "start_for_" not in long
    assert long.count("wp::mul(") > 3 * plain.count("wp::mul(")
    assert backward_text(forward) is None
    assert backward_text(said) is not None
    assert "wp::assign_copy(" in again
    assert all(v.cpp and "known_cpu_forward" in v.cpp for v in verdicts)


def test_a_kernel_that_its_options_change_is_not_taken_for_another(sandbox: Sandbox) -> None:
    other = msgspec.structs.replace(SHORT, options=Options(max_unroll=5))
    first, second = verify_all([SHORT, other], sandbox)
    assert (first.tier, second.tier) == (Tier.FORWARD, Tier.BACKWARD)


def test_a_defect_of_a_length_that_is_unrolled_is_caught_and_reduced(tmp_path: Path) -> None:
    # loops that are unrolled under another limit than Warp's own lose their first iteration
    shorter = Defect(
        "_src/codegen.py",
        r"(            if ok_to_unroll:\n                return )constant_range\n",
        r"\1constant_range if max_unroll == 16 else constant_range[1:]\n",
    )
    drawn = [p for n in range(20) if (p := draw("module_option", 3, n)) is not None]
    with sandbox_with(tmp_path, [shorter]) as damaged:
        verdicts = verify_all(drawn, damaged, 3)
        found = [(p, v) for p, v in zip(drawn, verdicts, strict=True) if v.failure is not None]
        assert len(found) >= 2
        reduced = [reduce(program, verdict, damaged, seed=3).program for program, verdict in smallest(found, 2)]
    assert all(p.options is not None and p.options.max_unroll is not None for p in reduced)
    assert median(map(beyond_bare, reduced)) <= 12


def test_a_setting_of_one_program_is_not_that_of_the_others_of_its_batch(sandbox: Sandbox) -> None:
    again, other, before = (v.cpp or "" for v in verify_all([OVERWRITTEN, UNSAID, OVERWRITTEN], sandbox))
    assert "wp::assign_copy(" in again
    assert "wp::assign_copy(" in before
    assert "wp::assign_copy(" not in other
    assert "wp::assign_inplace(" in other


def test_a_slice_that_is_stored_backwards_is_known_to_get_its_gradient_in_the_wrong_order(sandbox: Sandbox) -> None:
    program = overwritten(AGAIN, REVERSED)
    number_by_number = REWRITES["store_backwards_by_number"](program)
    assert "    part_1 = p[i]\n    v[1] = part_1[0]\n    v[0] = part_1[1]\n" in render(number_by_number)
    wrong, right = verify_all([program, number_by_number], sandbox)
    assert right.tier is Tier.BACKWARD, right
    assert wrong.failure is not None
    assert wrong.failure.kind is FailureKind.BACKWARD_MISMATCH
    known = Ledger.load().explain(program, wrong, sandbox, sandbox.versions.warp)
    assert known is not None
    assert known.id == "reversed-slice-store-gradient"


def test_slices_that_are_stored_backwards_are_left_where_components_may_not_be_assigned_again() -> None:
    plain, forwards = overwritten(None, REVERSED), overwritten(AGAIN, *TWICE)
    for program in (plain, forwards):
        assert REWRITES["store_backwards_by_number"](program) is program


def test_components_are_drawn_that_are_assigned_again() -> None:
    programs = [p for n in range(150) if (p := draw("module_option", 1, n)) is not None]
    again = [p for p in programs if p.options is not None and p.options.component_overwrites]
    assert 10 < len(again) < 50
    assert any(crossed(msgspec.structs.replace(p, options=None), TRAITS) != crossed(p, TRAITS) for p in again)
    assert any(REWRITES["store_backwards_by_number"](p) is not p for p in again)


def test_options_that_a_failure_does_not_need_are_taken_away() -> None:
    program = msgspec.structs.replace(OVERWRITTEN, options=Options(enable_backward=True, component_overwrites=True))
    found = [new.options for new in candidates(program)]
    assert {None, AGAIN, Options(enable_backward=True)} <= set(found)
    assert program.options not in [new.options for new in candidates(msgspec.structs.replace(program, options=AGAIN))]
