"""What reducing promises: a small program, the same failure, the same result each time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice
from statistics import median

import msgspec
import pytest
from planted import beyond_bare
from simpler import candidates
from tiny import apply

from harness.sandbox import Sandbox
from harness.shrink import Limits, Reduced, cost, reduce, same_failure, size, tidy, well_formed
from harness.shrink.calls import fewer_results, inlined
from harness.shrink.candidates import ordered, structural
from harness.shrink.slicing import sliced
from harness.shrink.statements import fewer_statements, stored_at_once
from harness.shrink.tree import with_fields, with_replays
from harness.verdict import Failure, FailureKind, Verdict, failed, inconclusive
from harness.verify import verify_all
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Element,
    For,
    Function,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    Unpack,
    walk,
)
from strategies.language.render import render
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import OPS

I = Name(INT32, "i")  # noqa: E741
X, Y, OUT = (Element(FLOAT32, name, (I,)) for name in ("x", "y", "out"))


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def program(*body: Statement, extent: int = 4) -> Program:
    array = types.array(FLOAT32)
    return Program(
        "fold_costs",
        "branch",
        (extent,),
        (
            Parameter("x", array, 0.5, 2.0, (extent,)),
            Parameter("y", array, 0.5, 2.0, (extent,)),
            Parameter("out", array, 0, 0, (extent,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


def drawn(count: int) -> Iterator[Program]:
    for category in CATEGORIES:
        for index in range(count):
            found = draw(category, 5, index)
            if found is not None:
                yield found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


@pytest.fixture
def wrong_sine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that differs from Warp's sine: to the harness, a defect of Warp."""
    row = OPS["sin"]
    monkeypatch.setitem(OPS, "sin", dataclasses.replace(row, reference=lambda x: 1.25 * row.reference(x)))


# ---------------------------------------------------------------- candidates


def test_candidates_are_well_formed_and_strictly_simpler():
    checked = 0
    for given in islice(drawn(1), 4):
        price = cost(given)
        for candidate in candidates(given):
            checked += 1
            assert cost(candidate) < price
            assert well_formed(candidate), candidate
            render(candidate)
    assert checked > 200


def test_drawn_programs_are_well_formed():
    assert all(map(well_formed, drawn(5)))


def test_a_constant_is_well_formed_where_no_later_loop_changes_it():
    a, two = Name(FLOAT32, "a"), Literal(INT32, 2)
    first = Assign(a, Cast(FLOAT32, number(1.0)))
    constant = Assign(a, number(2.0))
    change = For("k", two, (AugmentedAssign(a, "add", X),))
    stop = If(Compare(BOOL, ("<",), (X, Y)), (constant, Break()))
    assert well_formed(program(first, For("k", two, (stop,)), Assign(OUT, a)))
    assert not well_formed(program(constant, change, Assign(OUT, a)))
    assert not well_formed(program(first, For("m", two, (constant, change)), Assign(OUT, a)))


def test_a_replay_goes_on_doing_what_its_function_does():
    drawn = [p for n in range(40) if (p := draw("custom_gradient", 9, n)) is not None]
    program = next(p for p in drawn if any(f.replay for f in p.functions))
    assert with_replays(program) == program
    found = list(candidates(program))
    assert any(new.functions != program.functions and any(f.replay for f in new.functions) for new in found)
    assert all(with_replays(new) == new for new in found)


def test_candidates_come_simplest_first():
    given = next(drawn(1))
    sizes = [size(candidate) for candidate in ordered(tidy(given), structural(tidy(given)))]
    assert sizes == sorted(sizes)


def test_tidying_removes_what_nothing_uses():
    unused = Assign(Name(FLOAT32, "a"), X)
    dead = If(Compare(BOOL, ("<",), (X, Y)), (unused,))
    found = tidy(program(unused, dead, Assign(OUT, number(1.0))))
    assert found.body == (ThreadIndex(("i",)), Assign(OUT, number(1.0)))
    assert [p.name for p in found.parameters] == ["out"]


def test_what_a_variable_is_given_is_stored_at_once_in_the_element_where_it_ends():
    a = Name(FLOAT32, "a")

    def body(target: Name | Element) -> tuple[Statement, ...]:
        change = AugmentedAssign(target, "add", Y)
        return Assign(target, X), For("k", Literal(INT32, 2), (change, Assign(target, apply("neg", target))))

    given = program(*body(a), Assign(OUT, a))
    assert program(*body(OUT)) in stored_at_once(given)
    first = Element(FLOAT32, "out", (Literal(INT32, 0),))
    summed = program(*body(a), Atomic("atomic_add", "out", first.indices, a))
    assert program(*body(first)) in stored_at_once(summed)
    assert list(stored_at_once(program(*body(OUT)))) == []


def test_a_loop_is_replaced_by_its_first_or_its_last_turn():
    loop = For("k", Literal(INT32, 9), (Assign(Element(FLOAT32, "out", (Name(INT32, "k"),)), X),), Literal(INT32, 3))
    edits = [render(new) for new in fewer_statements(program(msgspec.structs.replace(loop, step=Literal(INT32, 2))))]
    for turn in (0, 1, 3, 7):
        assert any(f"    out[{turn}] = x[i]\n" in text for text in edits)


def test_a_call_is_replaced_by_what_the_function_does():
    v, w, a, b = (Name(FLOAT32, name) for name in "vwab")
    change = If(Compare(BOOL, ("<",), (v, number(1.0))), (AugmentedAssign(w, "add", v),))
    parameter = Parameter("v", FLOAT32, 0.5, 2.0)
    several = types.tuple_of((FLOAT32, FLOAT32))
    one = Function("one", FLOAT32, (parameter,), (Assign(w, v), change, Return((apply("neg", w),))))
    two = Function("two", several, (parameter,), (Assign(w, v), change, Return((v, w))))
    for function, body, expected in (
        (one, (Assign(OUT, apply("sin", Call(FLOAT32, "one", (X,)))),), "out[i] = wp.sin(-w)\n"),
        (two, (Unpack((a, b), (Call(several, "two", (X,)),)), Assign(OUT, b)), "a, b = x[i], w\n    out[i] = b\n"),
    ):
        given = msgspec.structs.replace(program(*body), functions=(function,))
        assert well_formed(given)
        (new,) = map(tidy, inlined(given))
        assert well_formed(new)
        text = f"    w = x[i]\n    if x[i] < 1.0:\n        w += x[i]\n    {expected}"
        assert text in render(new)
        assert "@wp.func" not in render(new)
        changed = msgspec.structs.replace(function, body=(Assign(v, number(2.0)), *function.body))
        (new,) = inlined(msgspec.structs.replace(given, functions=(changed,)))
        assert "    v = x[i]\n    v = 2.0\n    w = v\n" in render(new)
        early = msgspec.structs.replace(function, body=(If(change.test, function.body[-1:]), *function.body))
        assert list(inlined(msgspec.structs.replace(given, functions=(early,)))) == []


def test_a_function_of_several_results_is_left_one():
    a, b, v = (Name(FLOAT32, name) for name in "abv")
    several = types.tuple_of((FLOAT32, FLOAT32))
    early = If(Compare(BOOL, ("<",), (v, number(1.0))), (Return((v, number(0.0))),))
    body = (early, Return((number(1.0), apply("sin", v))))
    function = Function("two", several, (Parameter("v", FLOAT32, 0.5, 2.0),), body)
    given = program(Unpack((a, b), (Call(several, "two", (X,)),)), Assign(OUT, b))
    given = msgspec.structs.replace(given, functions=(function,))
    (new,) = (new for new in fewer_results(given) if well_formed(tidy(new)))
    assert "        return 0.0\n    return wp.sin(v)\n" in render(new)
    assert "    b = two(x[i])\n    out[i] = b\n" in render(new)


def test_a_truth_value_is_stored_as_it_is():
    test = Compare(BOOL, ("<",), (X, Y))
    given = program(If(test, (Assign(OUT, apply("sin", X)),), (Assign(OUT, Y),)))
    texts = [render(new) for new in candidates(given)]
    assert any("out1: wp.array(dtype=bool)" in text and "    out1[i] = x[i] < y[i]\n" in text for text in texts)


def test_what_is_read_undefined_is_not_well_formed():
    a = Name(FLOAT32, "a")
    test = Compare(BOOL, ("<",), (X, Y))
    assert not well_formed(program(Assign(OUT, a)))
    assert not well_formed(program(If(test, (Assign(a, X),)), Assign(OUT, a)))
    assert well_formed(program(If(test, (Assign(a, X),), (Assign(a, Y),)), Assign(OUT, a)))
    assert not well_formed(program(Break(), Assign(OUT, X)))


def test_a_constant_that_a_loop_changes_keeps_its_cast():
    a = Name(FLOAT32, "a")
    loop = For("n", Literal(INT32, 3), (Assign(a, X),))
    assert not well_formed(program(Assign(a, number(0.0)), loop, Assign(OUT, a)))
    assert well_formed(program(Assign(a, Cast(FLOAT32, number(0.0))), loop, Assign(OUT, a)))


# ---------------------------------------------------------------- the same failure


def failure(kind: FailureKind = FailureKind.FORWARD_MISMATCH, **more: object) -> Failure:
    values: dict[str, object] = {"message": "", "parameter": "out", "expected": 1.0, "actual": 2.0, **more}
    return Failure(kind, **values)  # type: ignore[arg-type]


def test_another_kind_role_or_message_is_another_failure():
    given = program(Assign(OUT, X))
    assert same_failure(given, failure(), given, failure(expected=3.0))
    assert not same_failure(given, failure(), given, failure(FailureKind.MEMORY))
    assert not same_failure(given, failure(), given, failure(parameter="x"))
    refused = failure(FailureKind.REJECTED, message="cannot add 'a' to 2", parameter=None)
    assert same_failure(given, refused, given, failure(FailureKind.REJECTED, message="cannot add 'b' to 3", parameter=None))  # fmt: skip  # noqa: E501
    assert not same_failure(given, refused, given, failure(FailureKind.REJECTED, message="no 'a'", parameter=None))


def test_a_gross_difference_does_not_become_a_rounding_error():
    given = program(Assign(OUT, X))
    assert not same_failure(given, failure(), given, failure(actual=1.0001))
    assert same_failure(given, failure(actual=1.0001), given, failure())
    # where results are exact there are none
    assert same_failure(given, failure(), given, failure(expected=2.0**60, actual=2.0**60 + 256, tolerance=0.0))


# ---------------------------------------------------------------- the outputs that have a part in it


def two_outputs(*body: Statement) -> Program:
    given = program(*body)
    more = Parameter("out1", types.array(FLOAT32), 0, 0, (4,), True)
    return with_fields(given, parameters=(*given.parameters, more))


def test_of_a_wrong_result_only_its_output_is_left_first():
    local = Name(FLOAT32, "a")
    other = Element(FLOAT32, "out1", (I,))
    inside = If(Compare(BOOL, (">",), (X, number(1.0))), (Assign(OUT, X), Assign(other, Y)))
    (found,) = sliced(two_outputs(Assign(local, Y), inside, Assign(other, local)), failure())
    assert [p.name for p in found.parameters] == ["x", "out"]
    assert found.body[1:] == (with_fields(inside, body=(Assign(OUT, X),)),)
    assert not list(sliced(program(Assign(OUT, X)), failure())), "there is one output"
    assert not list(sliced(two_outputs(Assign(OUT, X), Assign(other, Y)), failure(parameter=None)))


def test_of_a_wrong_gradient_the_outputs_are_left_that_depend_on_the_input():
    other, product = Element(FLOAT32, "out1", (I,)), Apply(FLOAT32, "mul", (X, Y))
    given = two_outputs(Assign(OUT, product), Assign(other, X))
    wrong = {name: failure(parameter=name, gradient=True) for name in ("x", "y")}
    assert [p.body[-1] for p in sliced(given, wrong["x"])] == [Assign(other, X), Assign(OUT, product)]
    assert [p.body[-1] for p in sliced(given, wrong["y"])] == [Assign(OUT, product)]


# ---------------------------------------------------------------- reducing


def planted(given: Program) -> Verdict:
    """As if Warp miscompiled a sine inside a loop or a branch, and crashed at an atomic minimum."""
    nested = [s for s in walk(given) if isinstance(s, If | For)]
    if any(isinstance(n, Apply) and n.op == "sin" for s in nested for n in walk(s)):
        return failed(failure(parameter=given.outputs[0].name))
    if any(isinstance(n, Atomic) for n in walk(given)):
        return failed(failure(FailureKind.CRASH, message="signal 11", parameter=None))
    return inconclusive("nothing")


def test_the_result_does_not_depend_on_the_size_of_a_batch(sandbox: Sandbox):
    compared = 0
    for category in ("compound", "loop"):
        for index in range(60):
            given = draw(category, 5, index)
            if given is None or planted(given).failure is None:
                continue
            found = {
                batch: reduce(
                    given, planted(given), sandbox, limits=Limits(batch=batch, seconds=600),
                    verify=lambda programs: list(map(planted, programs)),
                )
                for batch in (1, 8)
            }  # fmt: skip
            results = [(r.program, [p for p, _ in r.others]) for r in found.values()]
            assert results[0] == results[1]
            assert beyond_bare(found[8].program) <= 14
            compared += 1
            break
    assert compared == 2


def test_what_can_go_only_in_another_dress_goes(sandbox: Sandbox):
    """A branch that can be left out only where there is one thread, and whose program may have no other name."""

    def wrong(given: Program) -> Verdict:
        branch = any(isinstance(n, If) for n in walk(given))
        fails = given.name == "fold_costs" and (branch or given.launch == (1,))
        return failed(failure()) if fails else inconclusive("nothing")

    test = Compare(BOOL, ("<",), (X, Y))
    given = program(If(test, (Assign(OUT, X),), (Assign(OUT, Y),)))
    found = reduce(given, wrong(given), sandbox, verify=lambda programs: list(map(wrong, programs)))
    assert found.program.launch == (1,)
    assert not any(isinstance(n, If) for n in walk(found.program))


def test_a_limit_that_ended_it_is_named(sandbox: Sandbox):
    given = next(p for n in range(200) if (p := draw("compound", 5, n)) is not None and planted(p).failure)
    found = reduce(
        given,
        planted(given),
        sandbox,
        limits=Limits(verifications=3, batch=2),
        verify=lambda programs: [inconclusive("") for _ in programs],
    )
    assert found.stopped == "3 verifications"
    assert found.program == given
    assert not found.fails_without_optimization
    assert not found.fails_by_default


def test_only_a_failure_can_be_reduced(sandbox: Sandbox):
    with pytest.raises(ValueError, match="only a failure"):
        reduce(program(Assign(OUT, X)), inconclusive(""), sandbox)


def failing(op: str, categories: tuple[str, ...], sandbox: Sandbox) -> list[Reduced]:
    """The first drawn program of each category that fails by a planted defect of `op`, reduced."""
    found = []
    for category in categories:
        programs = [p for n in range(120) if (p := draw(category, 3, n)) is not None]
        with_op = [p for p in programs if any(isinstance(n, Apply) and n.op == op for n in walk(p))]
        for given in with_op[:3]:
            (verdict,) = verify_all([given], sandbox)
            if verdict.failure is not None and verdict.failure.kind is FailureKind.FORWARD_MISMATCH:
                found.append(reduce(given, verdict, sandbox))
                break
    return found


@pytest.mark.usefixtures("wrong_sine")
def test_a_planted_defect_is_reduced_to_a_line(sandbox: Sandbox):
    found = failing("sin", ("elementwise", "unary", "branch", "scalar_array", "reduction"), sandbox)
    assert len(found) >= 4
    assert median(beyond_bare(r.program) for r in found) <= 8
    for reduced in found:
        assert reduced.fails_without_optimization
        assert reduced.stopped is None
        assert reduced.program.name == "kernel"
        assert any(isinstance(n, Apply) and n.op == "sin" for n in walk(reduced.program))


def test_what_fails_alike_by_another_defect_is_not_kept(sandbox: Sandbox):
    """Both functions are wrong in the same manner; only the sine is the defect that is being reduced."""

    def wrong(given: Program) -> Verdict:
        found = {n.op for n in walk(given) if isinstance(n, Apply)} & {"sin", "cos"}
        return failed(failure(parameter=given.outputs[0].name)) if found else inconclusive("nothing")

    def has_sine(given: Program, verdict: Verdict) -> bool:
        return any(isinstance(n, Apply) and n.op == "sin" for n in walk(given))

    given = program(Assign(OUT, apply("cos", apply("add", X, apply("sin", Y)))))
    found = reduce(
        given, wrong(given), sandbox, verify=lambda programs: list(map(wrong, programs)), keeps=has_sine
    )  # fmt: skip
    assert {n.op for n in walk(found.program) if isinstance(n, Apply)} == {"sin"}
