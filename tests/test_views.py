"""Parts of arrays: how they are written, what they mean, which are refused, and how they are reduced."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest
from planted import Defect, beyond_bare, sandbox_with, smallest

from harness.oracle.exactness import exact_outputs
from harness.oracle.expectation import TRAITS, Expectation
from harness.oracle.reference import Evaluator, InvalidProgram
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.shrink.views import without_views
from harness.verdict import FailureKind, Tier, Verdict
from harness.verify import try_expect, verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.effects import effects
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    Function,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Slice,
    Statement,
    ThreadIndex,
    View,
    decode,
    encode,
    walk,
)
from strategies.language.render import expression, render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT32, INT32, VOID
from strategies.ops import result_type

LINE, PLANE, SOLID = (t.array(FLOAT32, n) for n in (1, 2, 3))
I, K = Name(INT32, "i"), Name(INT32, "k")  # noqa: E741
OUT = Element(FLOAT32, "out", (I,))


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def cut(start: int | None = None, stop: int | None = None, step: int | None = None) -> Slice:
    return Slice(*(None if part is None else whole(part) for part in (start, stop, step)))


def define(name: str, array: str, *indices: Expression | Slice, of: t.Type = LINE) -> Assign:
    return Assign(Name(of, name), View(of, array, indices))


def at(array: str, *indices: int | Expression) -> Element:
    return Element(FLOAT32, array, tuple(whole(n) if isinstance(n, int) else n for n in indices))


def plus(left: Expression, right: Expression) -> Apply:
    return Apply(left.type, "add", (left, right))


def times(left: Expression, right: Expression) -> Apply:
    return Apply(left.type, "mul", (left, right))


def program(*body: Statement, functions: tuple[Function, ...] = ()) -> Program:
    return Program(
        "parts",
        "multi_dim",
        (3,),
        (
            Parameter("x", LINE, 0.5, 2.0, (7,)),
            Parameter("a", PLANE, 0.5, 2.0, (3, 4)),
            Parameter("b", SOLID, 0.5, 2.0, (3, 4, 5)),
            Parameter("grid", PLANE, 0.0, 0.0, (3, 4), True),
            Parameter("out", LINE, 0.0, 0.0, (3,), True),
        ),
        (ThreadIndex(("i",)), *body),
        functions,
    )


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (View(LINE, "a", (I,)), "a[i]"),
        (View(LINE, "x", ()), "x"),
        (View(LINE, "x", (cut(),)), "x[:]"),
        (View(LINE, "x", (cut(1),)), "x[1:]"),
        (View(LINE, "x", (cut(None, -1),)), "x[:-1]"),
        (View(LINE, "x", (cut(None, None, -2),)), "x[::-2]"),
        (View(LINE, "x", (Slice(plus(I, whole(1)), None),)), "x[i + 1:]"),
        (View(PLANE, "b", (cut(), whole(1), cut(3, 0, -1))), "b[:, 1, 3:0:-1]"),
    ],
)
def test_a_view_is_written_as_python_has_it(view: View, text: str) -> None:
    assert expression(view) == text


def test_views_survive_json_and_show_in_the_source() -> None:
    found = program(define("row", "a", I), define("back", "row", cut(step=-1)), Assign(OUT, at("back", 0)))
    check_program(found, result_type)
    assert decode(encode(found)) == found
    assert "    row = a[i]\n    back = row[::-1]\n    out[i] = back[0]\n" in render(found)


ILL_FORMED: dict[str, tuple[Statement, ...]] = {
    "an element": (define("row", "a", I, I),),
    "too many indices": (define("row", "x", cut(), cut()),),
    "a view of another type": (define("row", "b", I),),
    "a step of zero": (define("row", "x", cut(step=0)),),
    "a view that is assigned twice": (define("row", "a", I), define("row", "a", whole(0))),
    "a view that replaces a parameter": (define("x", "a", I),),
    "a number that replaces a view": (define("row", "a", I), Assign(Name(FLOAT32, "row"), at("x", 0))),
    "a view of nothing": (define("row", "nothing", I),),
    "a view that one arm defines": (
        If(Literal(t.BOOL, True), (define("row", "a", I),)),
        Assign(OUT, at("row", 0)),
    ),
    "a store into a part of an input": (define("row", "a", I), Assign(at("row", 0), at("x", 0))),
    "a sum into a part of an input": (define("row", "a", I), Atomic("atomic_add", "row", (whole(0),), at("x", 0))),
    "a length that a view does not have": (
        define("row", "a", I),
        Assign(OUT, Cast(FLOAT32, Extent(INT32, "row", 1))),
    ),
}


@pytest.mark.parametrize("what", ILL_FORMED)
def test_what_is_no_view_is_refused(what: str) -> None:
    with pytest.raises(IllFormed):
        check_program(program(*ILL_FORMED[what]), result_type)


# ---------------------------------------------------------------- meaning


def evaluate(found: Program) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of all arrays before and after, in their own shapes."""
    check_program(found, result_type)
    shapes = {p.name: p.shape for p in found.arrays}
    before = {
        name: (np.arange(1, 1 + np.prod(shape), dtype=np.float32) / 8).reshape(shape) for name, shape in shapes.items()
    }
    evaluation = Evaluator(found, {name: v.reshape(1, -1) for name, v in before.items()}, native=True).run()
    return before, {name: values[0, 0].reshape(shapes[name]) for name, values in evaluation.arrays.items()}


SLICES = [
    (start, stop, step)
    for step in (None, 1, 2, 3, -1, -2)
    for start in (None, 0, 2, 6, 9, -1, -3, -9)
    for stop in (None, 0, 3, 7, 9, -1, -4, -9)
]


def test_slices_are_pythons() -> None:
    """Each slice of seven elements in a loop over its length, against NumPy's."""
    for start, stop, step in SLICES:
        total = Name(FLOAT32, "total")
        before, after = evaluate(
            program(
                define("part", "x", cut(start, stop, step)),
                Assign(total, Cast(FLOAT32, Extent(INT32, "part", 0))),
                For("k", Extent(INT32, "part", 0), (Assign(total, plus(times(total, at("x", 2)), at("part", K))),)),
                Assign(OUT, total),
            )
        )
        part = before["x"][start:stop:step]
        expected = np.float32(len(part))
        for value in part:
            expected = expected * before["x"][2] + value
        assert after["out"].tolist() == [expected] * 3, (start, stop, step)


def test_a_view_of_a_view_reaches_the_element_that_numpy_reaches() -> None:
    before, after = evaluate(
        program(
            define("plane", "b", cut(step=-1), I, of=PLANE),
            define("line", "plane", cut(1), whole(-2)),
            Assign(OUT, at("line", -1)),
        )
    )
    expected = [before["b"][::-1, i][1:, -2][-1] for i in range(3)]
    assert after["out"].tolist() == expected


def test_what_is_written_through_a_view_is_in_the_array() -> None:
    before, after = evaluate(
        program(
            define("own", "grid", I),
            define("back", "own", cut(step=-1)),
            Assign(at("back", 0), at("x", I)),
            AugmentedAssign(at("own", 0), "add", at("x", 0)),
            Atomic("atomic_sub", "own", (whole(1),), at("x", 1)),
        )
    )
    expected = before["grid"].copy()
    expected[:, -1] = before["x"][:3]
    expected[:, 0] += before["x"][0]
    expected[:, 1] -= before["x"][1]
    assert after["grid"].tolist() == expected.tolist()


def test_a_slice_may_begin_elsewhere_for_every_thread() -> None:
    before, after = evaluate(
        program(
            define("rest", "x", Slice(I)), Assign(OUT, times(at("rest", 0), Cast(FLOAT32, Extent(INT32, "rest", 0))))
        )
    )
    assert after["out"].tolist() == [before["x"][i] * (7 - i) for i in range(3)]


def test_a_function_may_be_given_a_part_of_an_array() -> None:

    put = Function("put", VOID, (Parameter("v", LINE, 0, 1, (1,), True),), (Assign(at("v", 2), at("v", 0)),))

    found = program(Evaluate(Call(VOID, "put", (View(LINE, "grid", (I,)),))), functions=(put,))
    before, after = evaluate(found)
    assert after["grid"][:, 2].tolist() == before["grid"][:, 0].tolist()
    assert effects(found).stored == {"grid"}


@pytest.mark.parametrize(
    "body",
    [
        (define("row", "a", plus(I, whole(1))), Assign(OUT, at("row", 0))),
        (define("row", "x", cut(1, 3)), Assign(OUT, at("row", 2))),
        (define("row", "x", cut(3, 3)), Assign(OUT, at("row", -1))),
        (define("row", "x", cut(1, 3)), Assign(OUT, at("row", -3))),
    ],
)
def test_an_element_outside_of_a_part_is_no_program(body: tuple[Statement, ...]) -> None:
    with pytest.raises(InvalidProgram):
        evaluate(program(*body))


def test_threads_that_write_one_cell_through_views_race() -> None:
    with pytest.raises(InvalidProgram, match="two threads"):
        evaluate(program(define("row", "grid", whole(0)), Assign(at("row", 1), at("x", I))))


# ---------------------------------------------------------------- analyses


def limits(*body: Statement) -> tuple[Limit, ...]:
    found = program(*body)
    check_program(found, result_type)
    return crossed(found, TRAITS)


def test_an_element_is_overwritten_through_any_of_its_names() -> None:
    own = define("own", "grid", I)
    square = times(at("own", 0), at("own", 0))
    assert limits(own, Assign(OUT, square), Assign(Element(FLOAT32, "grid", (I, whole(0))), at("x", 0))) == (
        Limit.ELEMENT_OVERWRITTEN,
    )
    assert limits(own, Assign(OUT, square), Assign(at("own", 1), at("x", 0))) == ()
    # behind a slice, the same place may be any
    back = define("back", "own", cut(step=-1))
    assert limits(own, back, Assign(OUT, square), Assign(at("back", 1), at("x", 0))) == (Limit.ELEMENT_OVERWRITTEN,)


def test_a_place_that_a_dynamic_loop_computed_is_stale_behind_a_view_too() -> None:
    start = Assign(Name(INT32, "k"), Cast(INT32, whole(0)))
    loop = For("n", Extent(INT32, "a", 1), (AugmentedAssign(K, "add", Apply(INT32, "mod", (I, whole(1)))),))
    inside = (define("row", "a", I), start, loop, Assign(OUT, at("row", 0)))
    assert limits(*inside) == ()
    assert limits(start, loop, define("row", "a", K), Assign(OUT, at("row", 0))) == (Limit.DYNAMIC_LOOP,)
    assert limits(start, loop, define("row", "x", Slice(K)), Assign(OUT, at("row", 0))) == (Limit.DYNAMIC_LOOP,)


def test_what_is_added_through_a_view_is_not_exact() -> None:
    through = program(
        define("own", "grid", I), AugmentedAssign(at("own", 0), "add", at("x", 0)), Assign(OUT, at("x", 1))
    )
    assert exact_outputs(through) == {"out"}
    sine = Apply(FLOAT32, "sin", (at("x", 1),))
    assert (
        exact_outputs(program(define("own", "grid", I), Assign(at("own", 0), sine), Assign(OUT, at("own", 0)))) == set()
    )


# ---------------------------------------------------------------- in Warp

STEP_IGNORED = Defect("native/array.h", r"(out\.strides\[dim\] = src\.strides\[idx\]) \* slices\[idx\]\.step;", r"\1;")
GRADIENT_LOST = Defect(
    "native/array.h",
    r"out\.grad = grad_at_byte_offset\(src, offset\);(\n    \}\n\n    int dim)",
    r"out.grad = src.grad;\1",
)


@pytest.fixture(scope="module")
def wrong_views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_with(tmp_path_factory.mktemp("views"), [STEP_IGNORED, GRADIENT_LOST]) as found:
        yield found


def strided(found: Program) -> bool:
    """Whether a program has a view with another step than one."""
    views = [node for node in walk(found) if isinstance(node, View)]
    return any(isinstance(index, Slice) and index.step is not None for view in views for index in view.indices)


def viewing(found: Program) -> bool:
    """Whether a program has a view that does not begin where its array does."""
    return any(isinstance(node, View) and any(not isinstance(i, Slice) for i in node.indices) for node in walk(found))


def promising(found: Program) -> bool:
    """Whether gradients of a program can be checked, and it has no `%`, whose gradient is a known issue."""
    if any(getattr(node, "op", getattr(node, "operator", "")) == "mod" for node in walk(found)):
        return False
    expected = try_expect(found, 0)
    return isinstance(expected, Expectation) and expected.promise.tier is Tier.BACKWARD


def test_defects_of_views_are_seen_and_reduced_to_a_few_nodes(wrong_views: Sandbox, sandbox: Sandbox) -> None:
    drawn = [p for n in range(80) if (p := draw("multi_dim", 3, n)) is not None and promising(p)]
    chosen = [p for p in drawn if strided(p)][:5] + [p for p in drawn if viewing(p) and not strided(p)][:1]
    healthy = verify_all(chosen, sandbox)
    assert [v.tier for v in healthy] == [Tier.BACKWARD] * 6
    failing: dict[FailureKind, list[tuple[Program, Verdict]]] = {}
    for found, verdict in zip(chosen, verify_all(chosen, wrong_views), strict=True):
        if verdict.failure is not None:
            failing.setdefault(verdict.failure.kind, []).append((found, verdict))
    assert failing.keys() == {FailureKind.FORWARD_MISMATCH, FailureKind.BACKWARD_MISMATCH}
    # wrong steps, and a lost gradient
    reduced = [
        *smallest(failing[FailureKind.FORWARD_MISMATCH], 2),
        *smallest(failing[FailureKind.BACKWARD_MISMATCH], 1),
    ]
    sizes = [beyond_bare(reduce(found, verdict, wrong_views).program) for found, verdict in reduced]
    assert median(sizes) <= 10, sizes


# ---------------------------------------------------------------- known defects


def test_lengths_are_written_as_the_numbers_that_they_are() -> None:
    length = Cast(FLOAT32, plus(Extent(INT32, "part", 0), Extent(INT32, "b", 2)))
    given = program(define("part", "a", I, cut(1)), Assign(OUT, length))
    found = REWRITES["write_lengths_as_numbers"](given)
    assert "out[i] = wp.float32(3 + 5)" in render(found)
    moving = program(define("part", "x", Slice(I)), Assign(OUT, Cast(FLOAT32, Extent(INT32, "part", 0))))
    assert REWRITES["write_lengths_as_numbers"](moving) is moving
    # a bare number would be a constant, which a loop may not change
    counted = program(
        Assign(Name(INT32, "rest"), Extent(INT32, "b", 2)), Assign(OUT, Cast(FLOAT32, Name(INT32, "rest")))
    )
    assert "rest = int(5)" in render(REWRITES["write_lengths_as_numbers"](counted))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (cut(7, None, -1), cut(None, None, -1)),
        (cut(None, -8, -2), cut(None, None, -2)),
        (cut(-8, None, -1), cut(0, 0, -1)),
        (cut(6, -7, -1), cut(6, -7, -1)),
        (cut(-9, 9), cut(-9, 9)),
        (Slice(I, None, whole(-1)), Slice(I, None, whole(-1))),
    ],
)
def test_bounds_beyond_the_ends_are_left_out(before: Slice, after: Slice) -> None:
    given = program(define("part", "x", before), Assign(OUT, at("part", 0)))
    assert REWRITES["keep_slices_inside"](given) == program(define("part", "x", after), Assign(OUT, at("part", 0)))


def test_a_slice_of_a_slice_becomes_one_of_the_array() -> None:
    nested = program(
        define("p", "x", cut(1, 6)),
        define("q", "p", cut(1, 5, 2)),
        Assign(OUT, at("q", I)),
        Assign(at("grid", I, 0), OUT),
    )
    (joined,) = [found for found in without_views(nested) if "q = x[2:6:2]" in repr(found)]
    (through,) = [found for found in without_views(joined) if "out[i] = x[i * 2 + 2]" in repr(found)]
    assert "q = p[1:5:2]" in repr(nested)
    for one in (nested, joined, through):
        before, after = evaluate(msgspec.structs.replace(one, launch=(2,)))
        assert after["out"][:2].tolist() == before["x"][1:6][1:5:2].tolist()
    backwards = program(define("p", "x", cut(6, 1, -1)), define("q", "p", cut(1, 5, 2)), Assign(OUT, at("q", 0)))
    assert not any("q = x[" in repr(found) for found in without_views(backwards))
