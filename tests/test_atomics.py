"""Atomics: what they put into a cell and return, what must not depend on the order of threads, and the limits."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
import pytest
from planted import Defect, beyond_bare, sandbox_with

from harness.launches import job
from harness.oracle.expectation import TRAITS, expect
from harness.oracle.reference import Evaluator, InvalidProgram
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.shrink.tidying import tidy
from harness.shrink.validity import well_formed
from harness.verdict import FailureKind, Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import defined_names
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Cast,
    Compare,
    Component,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import ATOMICS, result_type

I, OLD = Name(INT32, "i"), Name(INT32, "old")  # noqa: E741
ZERO = Literal(INT32, 0)
THREADS = 5


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def at(array: str, index: Expression = I, of: t.Type = INT32) -> Element:
    return Element(of, array, (index,))


def program(*body: Statement, of: t.Scalar = INT32) -> Program:
    """`x` of `of` is read, `own` has a cell a thread, `shared` two, `out` and `total` are of int32 and float32."""
    low = 0 if of.kind == "uint" else -9
    return Program(
        "atoms",
        "atomics",
        (THREADS,),
        (
            Parameter("x", t.array(of), low, 9, (THREADS,)),
            Parameter("y", t.array(FLOAT32), 0.5, 2.0, (THREADS,)),
            Parameter("own", t.array(of), low, 9, (THREADS,), True),
            Parameter("shared", t.array(of), 0, 0, (2,), True),
            Parameter("out", t.array(INT32), 0, 0, (THREADS,), True),
            Parameter("total", t.array(FLOAT32), 0, 0, (THREADS,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


def evaluate(found: Program) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of all arrays before and after."""
    check_program(found, result_type)
    rng = np.random.default_rng(3)
    before = {}
    for p in found.arrays:
        name = t.element_scalar(p.type).notation
        before[p.name] = rng.integers(int(p.low), int(p.high) + 1, p.shape[0]).astype(name)
    evaluation = Evaluator(found, {name: v[None] for name, v in before.items()}, native=True).run()
    return before, {name: values[0, 0] for name, values in evaluation.arrays.items()}


AFTER = {
    "atomic_add": lambda old, v: old + v,
    "atomic_sub": lambda old, v: old - v,
    "atomic_min": np.minimum,
    "atomic_max": np.maximum,
    "atomic_exch": lambda old, v: v,
    "atomic_cas": lambda old, v: np.where(old == 2, v, old),
    "atomic_and": lambda old, v: old & v,
    "atomic_or": lambda old, v: old | v,
    "atomic_xor": lambda old, v: old ^ v,
}


@pytest.mark.parametrize("operator", ["bit_and", "bit_or", "bit_xor"])
def test_bits_that_threads_set_in_place_are_joined_as_by_the_atomic_operation(operator: str) -> None:
    parity = Apply(INT32, "mod", (I, whole(2)))
    made = [AugmentedAssign(at("shared", parity), operator, at("x"))]
    before, after = evaluate(program(*made))
    atomic = Atomic(f"atomic_{operator.removeprefix('bit_')}", "shared", (parity,), at("x"))
    _, wanted = evaluate(program(atomic))
    assert before["x"].any()
    assert list(after["shared"]) == list(wanted["shared"])


@pytest.mark.parametrize("op", ATOMICS)
@pytest.mark.parametrize("of", ["int32", "uint32", "int64", "uint64", "float32", "float64"])
def test_each_atomic_changes_the_cell_and_returns_what_it_held(op: str, of: str) -> None:
    scalar = t.scalar(of)
    if of not in ATOMICS[op]:
        assert scalar.is_float
        return
    compare = Literal(scalar, 2) if op == "atomic_cas" else None
    old = Name(scalar, "old")
    before, after = evaluate(
        program(
            Atomic(op, "own", (I,), at("x", of=scalar), compare, old),
            Assign(at("out"), Cast(INT32, old)),
            of=scalar,
        )
    )
    assert after["out"].tolist() == [int(v) for v in before["own"]]
    assert after["own"].tolist() == AFTER[op](before["own"], before["x"]).tolist()


def shared_sums(*body: Statement) -> Program:
    """`x`, a number or a vector a thread, is added to two cells that all threads share."""
    vec3 = t.vector(3, FLOAT32)
    return Program(
        "sums",
        "gather_scatter",
        (THREADS,),
        (
            Parameter("x", t.array(vec3), -2.0, 2.0, (THREADS,)),
            Parameter("place", t.array(INT32), 0, 1, (THREADS,)),
            Parameter("sums", t.array(vec3), 0.0, 1.0, (2,), True),
            Parameter("counts", t.array(INT32), 0, 0, (2,), True),
        ),
        (ThreadIndex(("i",)), *body),
    )


@pytest.mark.parametrize("operator", ["add", "sub"])
def test_a_sum_in_place_of_several_threads_is_an_atomic(operator: str, sandbox: Sandbox) -> None:
    """``sums[place[i]] += x[i]``, whole or by component, loses nothing that another thread adds."""
    where, vec3 = (at("place"),), t.vector(3, FLOAT32)
    cell, value = Element(vec3, "sums", where), Element(vec3, "x", (I,))
    whole_vector = (AugmentedAssign(cell, operator, value),)
    by_component = tuple(
        AugmentedAssign(Component(FLOAT32, cell, whole(n), n < 2), operator, Component(FLOAT32, value, whole(n), n < 2))
        for n in range(3)
    )
    count = AugmentedAssign(Element(INT32, "counts", where), operator, whole(1))
    atomic = Atomic(f"atomic_{operator}", "sums", where, value)
    programs = [shared_sums(*body, count) for body in (whole_vector, by_component, (atomic,))]
    for found in programs:
        check_program(found, result_type)
        expectation = expect(found)
        total = expectation.inputs["sums"].reshape(2, 3).astype(np.float64)
        share = expectation.inputs["x"].reshape(THREADS, 3)
        np.add.at(total, expectation.inputs["place"].ravel(), share if operator == "add" else -share)
        assert np.allclose(expectation.outputs["sums"].expected.reshape(2, 3), total)
    assert [v.tier for v in verify_all(programs, sandbox)] == [Tier.BACKWARD] * 3


def test_an_atomic_is_written_with_what_it_compares_and_returns() -> None:
    found = program(
        Atomic("atomic_cas", "own", (I,), whole(3), at("x"), OLD),
        Assign(at("out"), OLD),
        Atomic("atomic_exch", "own", (I,), whole(1)),
    )
    check_program(found, result_type)
    assert decode(encode(found)) == found
    assert "    old = wp.atomic_cas(own, i, x[i], 3)\n" in render(found)
    assert "    wp.atomic_exch(own, i, 1)\n" in render(found)
    assert "old" in defined_names(found)


@pytest.mark.parametrize(
    "body",
    [
        (Atomic("atomic_cas", "own", (I,), whole(3)),),
        (Atomic("atomic_add", "own", (I,), whole(3), whole(1)),),
        (Atomic("atomic_cas", "own", (I,), whole(3), Literal(FLOAT32, 1.0)),),
        (Atomic("atomic_and", "total", (I,), Literal(FLOAT32, 1.0)),),
        (Atomic("atomic_add", "own", (I,), whole(3), None, Name(FLOAT32, "old")),),
        (Atomic("atomic_add", "own", (I,), whole(3), None, I),),
        (Atomic("atomic_add", "x", (I,), whole(3)),),
    ],
)
def test_what_is_no_atomic_is_refused(body: tuple[Statement, ...]) -> None:
    with pytest.raises(IllFormed):
        check_program(program(*body), result_type)


# ---------------------------------------------------------------- order

COUNT = Atomic("atomic_add", "shared", (ZERO,), whole(1), None, OLD)
FLAG = Atomic("atomic_cas", "shared", (ZERO,), whole(1), ZERO, OLD)
FIRST = Compare(BOOL, ("==",), (OLD, ZERO))


@pytest.mark.parametrize(
    ("body", "array", "contents"),
    [
        ((COUNT, Assign(at("out", OLD), whole(7))), "out", [7] * THREADS),
        ((COUNT, Assign(at("out", OLD), OLD)), "out", list(range(THREADS))),
        ((COUNT, Atomic("atomic_add", "shared", (whole(1),), OLD)), "shared", [THREADS, sum(range(THREADS))]),
        ((FLAG, If(FIRST, (Atomic("atomic_add", "out", (ZERO,), whole(3)),))), "out", [3] + [0] * (THREADS - 1)),
        ((Atomic("atomic_exch", "shared", (ZERO,), whole(4)),), "shared", [4, 0]),
    ],
)
def test_what_threads_do_with_what_they_get_may_be_the_same_in_any_order(
    body: tuple[Statement, ...], array: str, contents: list[int]
) -> None:
    found = program(*body)
    assert evaluate(found)[1][array].tolist() == contents
    assert expect(found).outputs[array].expected.tolist() == contents


@pytest.mark.parametrize(
    "body",
    [
        (COUNT, Assign(at("out", OLD), I)),
        (COUNT, Assign(at("out"), OLD)),
        (FLAG, If(FIRST, (Assign(at("out", ZERO), I),))),
        (Atomic("atomic_exch", "shared", (ZERO,), I),),
        (Atomic("atomic_cas", "shared", (ZERO,), I, ZERO),),
    ],
)
def test_what_depends_on_the_order_of_threads_is_no_program(body: tuple[Statement, ...]) -> None:
    found = program(*body)
    check_program(found, result_type)
    with pytest.raises(InvalidProgram, match="order"):
        expect(found)


# ---------------------------------------------------------------- limits


def limits(*body: Statement, of: t.Scalar = INT32) -> tuple[Limit, ...]:
    found = program(*body, of=of)
    check_program(found, result_type)
    return crossed(found, TRAITS)


Y = at("y", of=FLOAT32)
TOTAL = at("total", of=FLOAT32)
HELD = Name(FLOAT32, "held")
TAKE = Atomic("atomic_add", "own", (I,), Y, None, HELD)


def test_a_returned_value_may_be_added_to_what_has_a_gradient() -> None:
    assert limits(TAKE, Assign(TOTAL, Apply(FLOAT32, "add", (HELD, Y))), of=FLOAT32) == ()
    assert limits(COUNT, Assign(at("out", OLD), whole(1)), Assign(TOTAL, Apply(FLOAT32, "mul", (Y, Y)))) == (
        Limit.ATOMIC_RETURNED,
    )


def test_no_adjoint_may_need_a_returned_value() -> None:
    product = Assign(TOTAL, Apply(FLOAT32, "mul", (HELD, Y)))
    assert limits(TAKE, product, of=FLOAT32) == (Limit.ATOMIC_RETURNED,)
    copied = Assign(Name(FLOAT32, "copy"), Apply(FLOAT32, "add", (HELD, HELD)))
    product = Assign(TOTAL, Apply(FLOAT32, "mul", (Name(FLOAT32, "copy"), Y)))
    assert limits(TAKE, copied, product, of=FLOAT32) == (Limit.ATOMIC_RETURNED,)


def test_what_is_returned_of_a_sum_of_this_thread_has_no_gradient() -> None:
    twice = (Atomic("atomic_add", "own", (I,), Y), TAKE, Assign(TOTAL, HELD))
    assert limits(*twice, of=FLOAT32) == (Limit.ATOMIC_RETURNED,)


def test_exchanges_are_documented_as_not_differentiable() -> None:
    assert limits(Atomic("atomic_exch", "own", (I,), Y), of=FLOAT32) == (Limit.NOT_DIFFERENTIABLE,)
    assert limits(Atomic("atomic_exch", "own", (I,), Literal(FLOAT32, 1.0)), Assign(TOTAL, Y), of=FLOAT32) == ()


def test_the_backward_pass_does_not_run_without_an_index_that_an_atomic_returned() -> None:
    found = program(COUNT, Assign(at("out", OLD), whole(1)), Assign(TOTAL, Apply(FLOAT32, "mul", (Y, Y))))
    assert not any(launch.backward for launch in job(expect(found), "atoms").launches)


# ---------------------------------------------------------------- reducing


def test_a_result_that_nothing_reads_is_dropped() -> None:
    found = program(COUNT, Assign(at("out"), I))
    assert tidy(found).body[1] == Atomic("atomic_add", "shared", (ZERO,), whole(1))
    used = program(COUNT, Assign(at("out", OLD), whole(7)))
    assert tidy(used).body == used.body
    assert well_formed(tidy(used))


RETURNS_NEW = Defect(
    "native/builtin.h",
    r"T old = buf\[0\];\n    buf\[0\] \+= value;\n    return old;\n#else\n    return atomicAdd\(buf, value\);",
    "buf[0] += value;\n    return buf[0];\n#else\n    return atomicAdd(buf, value);",
)
LOST_BIT = Defect("native/builtin.h", r"buf\[0\] \^= value;", "buf[0] |= value;")


def test_defects_of_atomics_are_seen_and_reduced_to_a_few_nodes(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> None:
    drawn = [found for n in range(60) if (found := draw("atomics", 3, n)) is not None]
    returned = [p for p in drawn if any(isinstance(n, Atomic) and n.op == "atomic_add" and n.result for n in walk(p))]
    bits = [p for p in drawn if any(isinstance(n, Atomic) and n.op == "atomic_xor" for n in walk(p))]
    chosen = [*returned[:3], *bits[:2]]
    assert all(verdict.failure is None for verdict in verify_all(chosen, sandbox))
    with sandbox_with(tmp_path_factory.mktemp("atomics"), [RETURNS_NEW, LOST_BIT]) as wrong:
        found = verify_all(chosen, wrong)
        kinds = {verdict.failure.kind for verdict in found if verdict.failure is not None}
        assert FailureKind.FORWARD_MISMATCH in kinds
        failing = [(p, v) for p, v in zip(chosen, found, strict=True) if v.failure is not None]
        assert len(failing) >= 2
        sizes = [beyond_bare(reduce(p, v, wrong).program) for p, v in (failing[0], failing[-1])]
    assert median(sizes) <= 10, sizes
