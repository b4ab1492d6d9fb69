"""What is a well-formed program, and what is said of one that is not."""

from __future__ import annotations

import msgspec
import pytest
from trees import AT, OUT, SOURCE, T32, TARGET, VEC, A, V, apply, drawn, less, number, program, whole

from strategies.categories import CATEGORIES
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.rules import IllFormed
from strategies.language.types import BOOL, FLOAT32, INT32
from strategies.ops import result_type


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_are_well_formed(category: str) -> None:
    for found in drawn(category):
        check_program(found, result_type)


DEFINE_T = n.Assign(T32, number(1.0))
DEFINE_V = n.Assign(V, n.Construct(VEC, (number(1.0),)))
GOOD = {
    "a constructor without arguments": program(n.Assign(V, n.Construct(VEC, ())), n.Assign(OUT, A)),
    "a component that is assigned": program(DEFINE_V, n.Assign(n.Component(FLOAT32, V, whole(2), True), A)),
    "a variable of both arms": program(n.If(less(A, number(0.0)), (DEFINE_T,), (DEFINE_T,)), n.Assign(OUT, T32)),
    "a break in a branch of a loop": program(n.For("j", whole(3), (n.If(less(A, A), (n.Break(),)),))),
    "a scalar parameter": program(
        n.Assign(OUT, n.Name(FLOAT32, "s")), parameters=(n.Parameter("s", FLOAT32, 0.0, 1.0), TARGET)
    ),
    "the same loop name twice": program(n.For("j", whole(3), ()), n.For("j", whole(3), ())),
}
S = n.Parameter("s", FLOAT32, 0.0, 1.0)
ILL_FORMED = {
    "name is a keyword": program(name="for"),
    "name is reserved": program(name="wp"),
    "name has a blank": program(name="a b"),
    "name is not ASCII": program(name="kernél"),
    "launch without dimensions": program(launch=()),
    "launch of five dimensions": program(launch=(1,) * 5, body=(n.ThreadIndex(tuple("ijklm")),)),
    "empty launch": program(launch=(0,)),
    "negative launch": program(launch=(-2, -2), body=(n.ThreadIndex(("i", "j")),)),
    "huge launch": program(launch=(1 << 17,)),
    "two parameters of one name": program(parameters=(SOURCE, SOURCE, TARGET)),
    "parameter called like a keyword": program(parameters=(msgspec.structs.replace(SOURCE, name="in"), TARGET)),
    "no output": program(parameters=(SOURCE,)),
    "bounds exchanged": program(parameters=(msgspec.structs.replace(SOURCE, low=2.0), TARGET)),
    "bound not a number": program(parameters=(msgspec.structs.replace(SOURCE, low=float("nan")), TARGET)),
    "bound infinite": program(parameters=(msgspec.structs.replace(SOURCE, high=float("inf")), TARGET)),
    "shape of another dimension": program(parameters=(msgspec.structs.replace(SOURCE, shape=(2, 2)), TARGET)),
    "array without shape": program(parameters=(msgspec.structs.replace(SOURCE, shape=()), TARGET)),
    "empty array": program(parameters=(msgspec.structs.replace(SOURCE, shape=(0,)), TARGET)),
    "huge array": program(parameters=(msgspec.structs.replace(SOURCE, shape=(1 << 17,)), TARGET)),
    "scalar with a shape": program(parameters=(msgspec.structs.replace(S, shape=(4,)), TARGET)),
    "scalar as output": program(parameters=(msgspec.structs.replace(S, output=True), TARGET)),
    "empty body": program(body=()),
    "body without thread index": program(body=(n.Return(),)),
    "thread index twice": program(n.ThreadIndex(("j",))),
    "thread index of another dimension": program(launch=(2, 2)),
    "thread index called like a parameter": program(body=(n.ThreadIndex(("a",)),)),
    "thread index twice the same": program(launch=(2, 2), body=(n.ThreadIndex(("i", "i")),)),
    "thread index assigned": program(n.Assign(AT, whole(1))),
    "parameter assigned": program(n.Assign(n.Name(FLOAT32, "s"), number(1.0)), parameters=(S, TARGET)),
    "array as a value": program(n.Assign(n.Name(t.array(FLOAT32), "t"), n.Name(t.array(FLOAT32), "a"))),
    "loop called like a local of another type": program(DEFINE_T, n.For("t", whole(3), ()), n.Assign(OUT, T32)),
    "loop called like the thread index": program(n.For("i", whole(3), ())),
    "loop name read after a loop that may not run": program(
        n.For("j", n.Extent(INT32, "a", 0), ()), n.Assign(n.Name(INT32, "t"), n.Name(INT32, "j"))
    ),
    "bound of a loop not int32": program(n.For("j", number(3.0), ())),
    "break outside of loops": program(n.Break()),
    "continue outside of loops": program(n.If(less(A, A), (n.Continue(),))),
    "variable never defined": program(n.Assign(OUT, T32)),
    "variable of one arm only": program(n.If(less(A, A), (DEFINE_T,)), n.Assign(OUT, T32)),
    "variable of a loop read after it": program(n.For("j", AT, (DEFINE_T,)), n.Assign(OUT, T32)),
    "variable changes its type": program(DEFINE_T, n.Assign(n.Name(INT32, "t"), whole(1))),
    "name says another type": program(DEFINE_T, n.Assign(n.Name(INT32, "k"), n.Name(INT32, "t"))),
    "target says another type": program(n.Assign(n.Name(INT32, "t"), number(1.0))),
    "element of another type": program(n.Assign(OUT, whole(1))),
    "element says another type": program(n.Assign(n.Name(INT32, "t"), n.Element(INT32, "a", (AT,)))),
    "input assigned": program(n.Assign(A, number(1.0))),
    "input changed in place": program(n.AugmentedAssign(A, "add", number(1.0))),
    "no such array": program(n.Assign(OUT, n.Element(FLOAT32, "b", (AT,)))),
    "element of a scalar": program(n.Assign(OUT, n.Element(FLOAT32, "s", (AT,))), parameters=(S, TARGET)),
    "too many indices": program(n.Assign(OUT, n.Element(FLOAT32, "a", (AT, AT)))),
    "index not int32": program(n.Assign(OUT, n.Element(FLOAT32, "a", (A,)))),
    "component of a component assigned": program(
        DEFINE_V, n.Assign(n.Component(FLOAT32, n.Construct(VEC, (A,)), whole(0)), A)
    ),
    "component out of range": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, whole(3)))),
    "component of a scalar": program(n.Assign(OUT, n.Component(FLOAT32, A, whole(0)))),
    "component by a name that varies": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, AT, True))),
    "component index not int32": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, number(0.0)))),
    "test is no truth value": program(n.If(A, ())),
    "conditional's arms differ": program(n.Assign(OUT, n.Conditional(FLOAT32, less(A, A), A, whole(1)))),
    "conditional's test is a number": program(n.Assign(OUT, n.Conditional(FLOAT32, A, A, A))),
    "no such operation": program(n.Assign(OUT, apply("sinc", A))),
    "operation on other types": program(n.Assign(OUT, apply("add", A, whole(1)))),
    "operation with too many arguments": program(n.Assign(OUT, apply("sin", A, A))),
    "operation says another type": program(n.Assign(n.Name(INT32, "t"), apply("sin", A, of=INT32))),
    "augmented with a function": program(DEFINE_T, n.AugmentedAssign(T32, "sin", A)),
    "augmented with another type": program(DEFINE_T, n.AugmentedAssign(T32, "add", whole(1))),
    "augmented before it is defined": program(n.AugmentedAssign(T32, "add", A)),
    "comparison without operators": program(n.If(n.Compare(BOOL, (), (A,)), ())),
    "comparison with one operand": program(n.If(n.Compare(BOOL, ("<",), (A,)), ())),
    "comparison of two types": program(n.If(less(A, whole(1)), ())),
    "comparison of vectors": program(DEFINE_V, n.If(less(V, V), ())),
    "no such comparison": program(n.If(n.Compare(BOOL, ("is",), (A, A)), ())),
    "comparison says it is a number": program(n.Assign(OUT, n.Compare(FLOAT32, ("<",), (A, A)))),
    "logical with one operand": program(n.If(n.Logical(BOOL, "and", (less(A, A),)), ())),
    "no such logical operator": program(n.If(n.Logical(BOOL, "xor", (less(A, A), less(A, A))), ())),
    "logical of numbers": program(n.If(n.Logical(BOOL, "or", (A, A)), ())),
    "conversion of a vector": program(DEFINE_V, n.Assign(OUT, n.Cast(FLOAT32, V))),
    "conversion to a vector": program(n.Assign(V, n.Cast(VEC, A))),
    "construction of a scalar": program(n.Assign(OUT, n.Construct(FLOAT32, (A,)))),
    "vector of two out of three": program(n.Assign(V, n.Construct(VEC, (A, A)))),
    "vector of integers and floats": program(n.Assign(V, n.Construct(VEC, (A, A, whole(1))))),
    "extent of no axis": program(n.Assign(n.Name(INT32, "t"), n.Extent(INT32, "a", 1))),
    "extent of a negative axis": program(n.Assign(n.Name(INT32, "t"), n.Extent(INT32, "a", -1))),
    "extent says it is a float": program(n.Assign(OUT, n.Extent(FLOAT32, "a", 0))),
    "literal of a vector": program(n.Assign(V, n.Literal(VEC, 1.0))),
    "literal truth value as a number": program(n.Assign(OUT, n.Literal(FLOAT32, True))),
    "literal number as a truth value": program(n.If(n.Literal(BOOL, 1), ())),
    "literal float as an integer": program(n.Assign(n.Name(INT32, "t"), n.Literal(INT32, 1.0))),
    "literal integer too large": program(n.Assign(n.Name(INT32, "t"), whole(2**31))),
    "literal float too large": program(n.Assign(n.Name(t.FLOAT16, "t"), n.Literal(t.FLOAT16, 65536.0))),
    "literal infinite": program(n.Assign(OUT, number(float("inf")))),
    "literal not a number": program(n.Assign(OUT, number(float("nan")))),
    "no atomic operation": program(n.Atomic("add", "out", (AT,), A)),
    "atomic on an input": program(n.Atomic("atomic_add", "a", (AT,), A)),
    "atomic of another type": program(n.Atomic("atomic_add", "out", (AT,), whole(1))),
    "atomic with too many indices": program(n.Atomic("atomic_add", "out", (AT, AT), A)),
}
BOOLS = t.vector(3, BOOL)
UNSIGNED = n.Parameter("u", t.array(t.scalar("uint8")), -5, 5, (4,))
ILL_FORMED |= {
    "a variable named like a type of the file": program(n.Assign(n.Name(FLOAT32, "vec7"), A)),
    "a vector of truth values": program(n.Assign(n.Name(BOOLS, "v"), n.Construct(BOOLS, (n.Literal(BOOL, True),)))),
    "an atomic that Warp does not have": program(n.Atomic("atomic_mean", "out", (AT,), A)),
    "an atomic on a type that it does not take": program(
        n.Atomic("atomic_add", "u", (AT,), n.Literal(t.scalar("uint8"), 1)),
        parameters=(msgspec.structs.replace(UNSIGNED, low=0, output=True),),
    ),
    "values that the type cannot hold": program(n.Assign(OUT, A), parameters=(SOURCE, UNSIGNED, TARGET)),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_well_formed_program_passes(what: str) -> None:
    check_program(GOOD[what], result_type)


@pytest.mark.parametrize("what", ILL_FORMED)
def test_an_ill_formed_program_is_refused_with_a_sentence(what: str) -> None:
    with pytest.raises(IllFormed) as refusal:
        check_program(ILL_FORMED[what], result_type)
    assert len(str(refusal.value)) > 10
