"""Arrays that a thread makes for itself: what they are, what they hold, and what they do to gradients."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.launches import job
from harness.oracle.expectation import TRAITS, expect
from harness.oracle.reference import Evaluator, InvalidProgram
from harness.shrink.tidying import tidy
from harness.shrink.validity import well_formed
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.effects import effects
from strategies.language.expression_types import MAX_LOCAL_CELLS
from strategies.language.hashing import structure_hash
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Element,
    Expression,
    Extent,
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
    View,
    Zeros,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.language.views import shapes
from strategies.ops import result_type

I, K = Name(INT32, "i"), Name(INT32, "k")  # noqa: E741
LINE, PLANE = t.array(FLOAT32), t.array(FLOAT32, 2)


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def at(array: str, *indices: int | Expression, of: t.Scalar = FLOAT32) -> Element:
    return Element(of, array, tuple(whole(n) if isinstance(n, int) else n for n in indices))


def make(name: str, *shape: int, of: t.Scalar = FLOAT32) -> Assign:
    array = t.array(of, len(shape))
    return Assign(Name(array, name), Zeros(array, shape))


def plus(left: Expression, right: Expression) -> Apply:
    return Apply(left.type, "add", (left, right))


X, OUT = at("x", I), at("out", I)


def program(*body: Statement) -> Program:
    return Program(
        "scratch",
        "local_array",
        (4,),
        (Parameter("x", LINE, 1.0, 2.0, (4,)), Parameter("out", LINE, 0.0, 0.0, (4,), True)),
        (ThreadIndex(("i",)), *body),
    )


def evaluate(found: Program) -> list[float]:
    check_program(found, result_type)
    inputs = {"x": np.array([[1, 2, 3, 4]], np.float32), "out": np.zeros((1, 4), np.float32)}
    values: list[float] = Evaluator(found, inputs, native=True).run().arrays["out"][0, 0].tolist()
    return values


def test_a_new_array_is_written_with_its_shape_and_type() -> None:
    found = program(make("v", 3), make("m", 2, 3, of=INT32), Assign(OUT, at("v", 0)))
    check_program(found, result_type)
    assert decode(encode(found)) == found
    assert "    v = wp.zeros(shape=(3,), dtype=wp.float32)\n" in render(found)
    assert "    m = wp.zeros(shape=(2, 3), dtype=wp.int32)\n" in render(found)
    assert shapes(found)["m"] == {0: 2, 1: 3}


def test_each_thread_has_an_array_of_its_own() -> None:
    fill = For("k", whole(3), (Assign(at("v", K), Apply(FLOAT32, "mul", (X, Cast(FLOAT32, K)))),))
    assert evaluate(program(make("v", 3), fill, Assign(OUT, at("v", -1)))) == [2, 4, 6, 8]
    last = Assign(Name(LINE, "row"), View(LINE, "m", (whole(1),)))
    through = (make("m", 2, 3), last, Assign(at("row", 2), X), AugmentedAssign(at("m", 1, 2), "add", X))
    assert evaluate(program(*through, Assign(OUT, plus(at("m", 1, 2), at("m", 0, 2))))) == [2, 4, 6, 8]


def test_an_array_that_is_made_again_is_zero_again() -> None:
    total = Name(FLOAT32, "total")
    begin = Assign(total, Cast(FLOAT32, Literal(FLOAT32, 0.0)))
    body = (make("v", 2), AugmentedAssign(at("v", 0), "add", X), AugmentedAssign(total, "add", at("v", 0)))
    assert evaluate(program(begin, For("k", whole(3), body), Assign(OUT, total))) == [3, 6, 9, 12]


def test_a_shape_may_go_by_its_place() -> None:
    placed = [Assign(Name(array, name), Zeros(array, shape, placed=True)) for name, array, shape in (
        ("v", LINE, (3,)), ("m", PLANE, (2, 3)),
    )]  # fmt: skip
    found = program(*placed, Assign(OUT, at("v", 0)))
    assert "    v = wp.zeros(3, dtype=wp.float32)\n    m = wp.zeros((2, 3), dtype=wp.float32)\n" in render(found)
    assert decode(encode(found)) == found
    assert structure_hash(found) == structure_hash(program(make("v", 3), make("m", 2, 3), Assign(OUT, at("v", 0))))


#: ``def first(x): v = wp.zeros(2); v[0] += x; return v[0]`` and ``def last(v): return v[1]``
FIRST = Function(
    "first",
    FLOAT32,
    (Parameter("x", FLOAT32, -9.0, 9.0),),
    (make("v", 2), AugmentedAssign(at("v", 0), "add", Name(FLOAT32, "x")), Return((at("v", 0),))),
)
LAST = Function("last", FLOAT32, (Parameter("v", LINE, -9.0, 9.0, (2,)),), (Return((at("v", 1),)),))


def test_a_function_has_an_array_of_its_own_by_whatever_name_and_in_each_call() -> None:
    calls = [Call(FLOAT32, "first", (argument,)) for argument in (X, plus(X, X))]
    body = (make("v", 2), Assign(at("v", 0), X), Assign(OUT, plus(plus(*calls), at("v", 0))))
    assert evaluate(msgspec.structs.replace(program(*body), functions=(FIRST,))) == [4, 8, 12, 16]


def test_an_array_that_is_passed_is_read_as_it_is_and_has_no_gradient_by_the_documentation() -> None:
    passed = Call(FLOAT32, "last", (Name(LINE, "v"),))
    body = (make("v", 2), Assign(at("v", 1), X), Assign(OUT, passed))
    found = msgspec.structs.replace(program(*body), functions=(LAST,))
    assert evaluate(found) == [1, 2, 3, 4]
    assert crossed(found, TRAITS) == (Limit.LOCAL_ARRAY,)
    assert effects(found).read == {"x"}


def test_only_threads_that_come_by_make_the_array_anew() -> None:
    odd = Apply(BOOL, "unot", (Cast(BOOL, Apply(INT32, "mod", (I, whole(2)))),))
    body = (If(odd, (make("v", 2), Assign(at("v", 1), X), Assign(OUT, at("v", 1)))),)
    assert evaluate(program(Assign(OUT, plus(X, X)), *body)) == [1, 4, 3, 8]


def test_it_is_no_output_and_no_effect() -> None:
    found = program(make("v", 2), Assign(at("v", 0), X), Assign(OUT, at("v", 0)))
    assert effects(found).written == {"out"}
    assert effects(found).read == {"x"}
    assert well_formed(found)
    unused = program(make("v", 2), Assign(OUT, X))
    assert tidy(unused).body == (ThreadIndex(("i",)), Assign(OUT, X))


@pytest.mark.parametrize(
    "body",
    [
        (make("v", 2), make("v", 2)),
        (make("x", 2),),
        (make("v", 0),),
        (make("v", MAX_LOCAL_CELLS + 1),),
        (Assign(Name(PLANE, "v"), Zeros(PLANE, (2,))),),
        (make("v", 2), Assign(OUT, at("v", 0, 0))),
        (make("v", 2), Assign(OUT, Cast(FLOAT32, Extent(INT32, "v", 1)))),
        (If(Literal(BOOL, True), (make("v", 2),)), Assign(OUT, at("v", 0))),
    ],
)
def test_what_is_no_new_array_is_refused(body: tuple[Statement, ...]) -> None:
    with pytest.raises(IllFormed):
        check_program(program(*body), result_type)


def test_an_element_outside_is_no_program() -> None:
    with pytest.raises(InvalidProgram, match="outside"):
        evaluate(program(make("v", 2), Assign(OUT, at("v", I))))


def test_no_derivative_passes_through_it() -> None:
    through = program(make("v", 2), Assign(at("v", 0), X), Assign(OUT, at("v", 0)))
    assert crossed(through, TRAITS) == (Limit.LOCAL_ARRAY,)
    assert not any(launch.backward for launch in job(expect(through), "scratch").launches)
    count = make("n", 2, of=INT32), AugmentedAssign(at("n", 1, of=INT32), "add", whole(2))
    number = Cast(FLOAT32, at("n", 1, of=INT32))
    # a number that it counted may be added to what has a gradient, and no adjoint may need it
    assert crossed(program(*count, Assign(OUT, plus(X, number))), TRAITS) == ()
    product = Assign(OUT, Apply(FLOAT32, "mul", (X, number)))
    assert crossed(program(*count, product), TRAITS) == (Limit.LOCAL_ARRAY,)
    index = Assign(OUT, at("x", at("n", 1, of=INT32)))
    assert crossed(program(*count, index), TRAITS) == (Limit.LOCAL_ARRAY,)
