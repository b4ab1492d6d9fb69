"""Functions with a gradient of their own: it is the specification, whatever the function computes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import msgspec
import pytest
from function_predicates import asks_for_gradients, keeps_a_place
from tiny import AT, apply, literal

from harness.launches import job
from harness.oracle.expectation import TRAITS, expect
from harness.sandbox import Sandbox
from harness.shrink.tree import with_replays
from harness.triage import REWRITES, Ledger
from harness.verdict import Tier
from harness.verify import FAST, judge, verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import structure_hash
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Call,
    Element,
    Evaluate,
    Expression,
    Function,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32, INT32
from strategies.ops import result_type

X = Name(FLOAT32, "x")
ARRAY = t.array(FLOAT32)
A, OUT = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "out", (AT,))
SQUARE = Function(
    "f",
    FLOAT32,
    (Parameter("x", FLOAT32, -2.0, 2.0),),
    (Return((apply("mul", X, X),)),),
    (apply("mul", literal(FLOAT32, 3.0), X),),
)


def call(argument: Expression, derivative: bool = False) -> Call:
    return Call(FLOAT32, "f", (argument,), derivative=derivative)


def kernel(*body: Statement, functions: tuple[Function, ...] = (SQUARE,)) -> Program:
    parameters = (
        Parameter("a", ARRAY, 0.5, 2.0, (6,)),
        Parameter("out", ARRAY, 0.0, 0.0, (6,), True),
        Parameter("log", ARRAY, 0.0, 0.0, (6,), True),
    )
    used = parameters if any(f.replay for f in functions) else parameters[:2]
    return Program("known", "custom_gradient", (6,), used, (ThreadIndex(("i",)), *body), functions)


def gradient_over_cotangent(program: Program) -> tuple[list[float], list[float]]:
    """For each input: what the gradient is expected to be, by the cotangent of its output."""
    found = expect(program)
    ratio = found.gradients["a"].expected / found.cotangents["out"]
    return ratio.ravel().tolist(), found.inputs["a"].astype(float).ravel().tolist()


def test_the_expected_gradient_is_the_functions_own() -> None:
    ratios, inputs = gradient_over_cotangent(kernel(Assign(OUT, call(A))))
    assert ratios == pytest.approx([3 * x for x in inputs], rel=1e-9)


def test_arguments_by_name_meet_the_gradients_of_their_parameters() -> None:
    first = Function(
        "first",
        FLOAT32,
        (Parameter("x", FLOAT32, -2.0, 2.0), Parameter("y", FLOAT32, -2.0, 2.0)),
        (Return((X,)),),
        (literal(FLOAT32, 5.0), literal(FLOAT32, 7.0)),
    )
    swapped = Call(FLOAT32, "first", (A, literal(FLOAT32, 1.0)), keywords=("y", "x"))
    ratios, _ = gradient_over_cotangent(kernel(Assign(OUT, swapped), functions=(first,)))
    assert ratios == pytest.approx([7.0] * 6, rel=1e-9)


def test_gradients_of_its_own_are_chained() -> None:
    ratios, inputs = gradient_over_cotangent(kernel(Assign(OUT, call(apply("sin", call(A))))))
    chained = [3 * math.sin(x * x) * math.cos(x * x) * 3 * x for x in inputs]
    assert ratios == pytest.approx(chained, rel=1e-7)


def test_a_derivative_that_is_asked_for_is_a_constant_to_the_backward_pass() -> None:
    ratios, inputs = gradient_over_cotangent(kernel(Assign(OUT, apply("mul", call(A, derivative=True), A))))
    assert ratios == pytest.approx([3 * x for x in inputs], rel=1e-9)


def replayed(*replay: Statement) -> Program:
    log, at = Element(FLOAT32, "log", (Name(INT32, "n"),)), Parameter("n", INT32, 0, 5)
    value = apply("mul", X, X)
    parameters = (Parameter("log", ARRAY, 0.0, 0.0, (6,), True), at, Parameter("x", FLOAT32, -2.0, 2.0))
    end = Return((value,))
    function = Function("f", FLOAT32, parameters, (Assign(log, value), end), replay=replay)
    called = Call(FLOAT32, "f", (Name(ARRAY, "log"), AT, A))
    return kernel(Assign(OUT, called), functions=(function,))


def test_warp_follows(sandbox: Sandbox) -> None:
    programs = [
        kernel(Assign(OUT, call(A))),
        kernel(Assign(OUT, call(apply("sin", call(A))))),
        kernel(Assign(OUT, apply("add", call(A), apply("mul", call(A, derivative=True), A)))),
        replayed(Return((apply("mul", X, X),))),
    ]
    assert [v.tier for v in verify_all(programs, sandbox)] == [Tier.BACKWARD] * 4


def test_another_gradient_than_the_functions_own_is_a_failure(sandbox: Sandbox) -> None:
    """The build has the slope 3 x, and the expectation 2 x."""
    wanted = msgspec.structs.replace(SQUARE, slopes=(apply("mul", literal(FLOAT32, 2.0), X),))
    body = Assign(OUT, call(A))
    expectation = expect(kernel(body, functions=(wanted,)))
    task = dataclasses.replace(job(expectation, "known"), source=render(kernel(body), "known"))
    (result,) = sandbox.run([task], FAST)
    failure = judge(expectation, result).failure
    assert failure is not None
    assert failure.gradient


def test_it_is_checked_rendered_and_read_again() -> None:
    program = kernel(Assign(OUT, call(A)))
    check_program(program, result_type)
    assert decode(encode(program)) == program
    assert "@wp.func_grad(f)\ndef adj_f(x: wp.float32, adj_ret: wp.float32):" in render(program)
    assert "wp.adjoint[x] += 3.0 * x * adj_ret" in render(program)
    other = msgspec.structs.replace(SQUARE, slopes=(X,))
    assert structure_hash(kernel(Assign(OUT, call(A)), functions=(other,))) != structure_hash(program)


@pytest.mark.parametrize("slopes", [(X, X), (A,), (Name(FLOAT32, "y"),), (Name(INT32, "x"),)])
def test_slopes_that_do_not_fit_are_refused(slopes: tuple[Expression, ...]) -> None:
    function = msgspec.structs.replace(SQUARE, slopes=slopes)
    with pytest.raises(IllFormed):
        check_program(kernel(Assign(OUT, call(A)), functions=(function,)), result_type)


def test_a_replay_without_effects_keeps_within_the_limits() -> None:
    assert Limit.EFFECT_REPLAYED not in crossed(replayed(Return((apply("mul", X, X),))), TRAITS)


def test_a_function_of_which_the_gradient_is_asked_for_is_called_before_by_the_rewrite() -> None:
    rewrite = REWRITES["call_differentiated_functions"]
    drawn = [found for n in range(100) if (found := draw("custom_gradient", 3, n)) is not None]
    asking = [found for found in drawn if rewrite(found) is not found]
    assert 1 <= len(asking) < len(drawn) * 3 / 4
    for found in asking:
        more = rewrite(found)
        asked = {c.function for c in walk(found) if isinstance(c, Call) and c.derivative}
        added = [statement for statement in more.body if statement not in found.body]
        assert more.body[1 : 1 + len(added)] == tuple(added)
        assert {s.value.function for s in added if isinstance(s, Evaluate)} <= asked
        check_program(more, result_type)
        assert rewrite(more) is more


def test_a_gradient_within_a_gradient_that_stands_before_it_is_a_known_issue(sandbox: Sandbox) -> None:
    """The gradient of `g` asks for that of `f`, which is asked for before anything calls `f`."""
    slope = apply("mul", literal(FLOAT32, 2.0), Call(FLOAT32, "f", (X,), derivative=True))
    outer = Function("g", FLOAT32, SQUARE.parameters, (Return((call(X),)),), (slope,))
    both = apply("add", call(A, derivative=True), Call(FLOAT32, "g", (A,)))
    program = kernel(Assign(OUT, both), functions=(SQUARE, outer))
    (verdict,) = verify_all([program], sandbox)
    assert verdict.failure is not None
    issue = Ledger.load().explain(program, verdict, sandbox, sandbox.versions.warp)
    assert issue is not None
    assert issue.id == "custom-gradient-of-uncalled-function"


# ---------------------------------------------------------------- functions that call, count, and keep


def nesting(slope: Expression) -> Program:
    """``f(g(a))`` over `SQUARE`, which calls another one: ``g(x) * x``, with a slope that is given."""
    inner = msgspec.structs.replace(SQUARE, name="g")
    value = apply("mul", Call(FLOAT32, "g", (X,)), X)
    outer = msgspec.structs.replace(SQUARE, body=(Return((value,)),), slopes=(slope,))
    return kernel(Assign(OUT, call(A)), functions=(inner, outer))


#: The slope of that by what ``g`` says of itself.
ASKED = apply("add", Call(FLOAT32, "g", (X,)), apply("mul", X, Call(FLOAT32, "g", (X,), derivative=True)))


def test_a_gradient_may_call_functions_and_ask_for_their_gradients() -> None:
    ratios, inputs = gradient_over_cotangent(nesting(ASKED))
    assert ratios == pytest.approx([x * x + x * 3 * x for x in inputs], rel=1e-9)


def counting(*replay: Statement, of: t.Scalar = INT32) -> Program:
    """``f(count, i, a[i])`` over `SQUARE`, which counts its calls too."""
    cell = Element(of, "count", (Name(INT32, "n"),))
    array = t.array(of)
    parameters = (Parameter("count", array, 0, 0, (6,), True), Parameter("n", INT32, 0, 5), *SQUARE.parameters)
    body = (AugmentedAssign(cell, "add", literal(of, 1)), *SQUARE.body)
    function = msgspec.structs.replace(SQUARE, parameters=parameters, body=body, replay=replay)
    given = (
        Parameter("a", ARRAY, 0.5, 2.0, (6,)),
        Parameter("out", ARRAY, 0.0, 0.0, (6,), True),
        Parameter("times", array, 0, 0, (6,), True),
    )
    value = Call(FLOAT32, "f", (Name(array, "times"), AT, A))
    return Program("known", "custom_gradient", (6,), given, (ThreadIndex(("i",)), Assign(OUT, value)), (function,))


def test_a_function_with_a_gradient_and_a_replay_counts_once() -> None:
    program = counting(*SQUARE.body)
    check_program(program, result_type)
    ratios, inputs = gradient_over_cotangent(program)
    assert ratios == pytest.approx([3 * x for x in inputs], rel=1e-9)
    assert expect(program).outputs["times"].expected.tolist() == [1] * 6
    assert Limit.EFFECT_REPLAYED not in crossed(program, TRAITS)


@pytest.mark.parametrize("program", [counting(), counting(*SQUARE.body, of=FLOAT32)])
def test_a_gradient_of_a_function_that_changes_floats_or_would_count_twice_is_refused(program: Program) -> None:
    with pytest.raises(IllFormed, match="takes more than numbers"):
        check_program(program, result_type)


def test_warp_follows_them(sandbox: Sandbox) -> None:
    # functions that ask for a gradient are another matter: callers of those do not compile
    found = (draw("custom_gradient", 3, n) for n in range(400))
    drawn = [p for p in found if p is not None and not asks_for_gradients(p)]

    def first(holds: Callable[[Function], bool]) -> Program:
        fitting = (p for p in drawn if any(map(holds, p.functions)))
        return next(p for p in fitting if not crossed(p, TRAITS))

    programs = [
        counting(*SQUARE.body),
        nesting(ASKED),
        first(lambda f: bool(f.own_gradient and f.replay)),
        first(keeps_a_place),
    ]
    assert [v.tier for v in verify_all(programs, sandbox)] == [Tier.BACKWARD] * 4


def test_a_replay_of_what_was_kept_lasts_as_long_as_it_is_kept() -> None:
    (program, *_) = (
        found
        for n in range(200)
        if (found := draw("custom_gradient", 3, n)) is not None and any(map(keeps_a_place, found.functions))
    )
    assert with_replays(program) == program
    (function,) = filter(keeps_a_place, program.functions)
    other = msgspec.structs.replace(function, body=(*function.body[:-2], function.body[-1]))
    changed = msgspec.structs.replace(
        program, functions=tuple(other if f is function else f for f in program.functions)
    )
    (forgetful,) = (f for f in with_replays(changed).functions if f.name == function.name)
    assert not forgetful.replay


def test_what_a_function_kept_is_lost_if_it_is_called_again() -> None:
    """The second call overwrites what the replay of the first reads."""
    (program, *_) = (
        found
        for n in range(200)
        if (found := draw("custom_gradient", 3, n)) is not None
        and any(map(keeps_a_place, found.functions))
        and not crossed(found, TRAITS)
    )
    (again,) = (
        msgspec.structs.replace(s, target=msgspec.structs.replace(s.target, name="once_more"))
        for s in program.body
        if isinstance(s, Assign) and isinstance(s.value, Call) and keeps_a_place(program.function(s.value.function))
    )
    assert crossed(msgspec.structs.replace(program, body=(*program.body, again)), TRAITS)
