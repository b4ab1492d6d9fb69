"""Warp's documented limits on gradients: what is outside of each, and what is still inside."""

from __future__ import annotations

import pytest
from tiny import program_of

from harness.launches import job
from harness.oracle.expectation import TRAITS, expect
from harness.sandbox import Sandbox
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Continue,
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
    Return,
    Statement,
    ThreadIndex,
    Unpack,
    While,
    Zeros,
    decode,
    encode,
)
from strategies.language.types import BOOL, FLOAT32, INT32, VOID
from strategies.language.unrolling import MAX_UNROLL, is_dynamic
from strategies.ops import result_type

VEC = t.vector(3, FLOAT32)
AT, J, COUNT = Name(INT32, "i"), Name(INT32, "j"), Name(INT32, "n")
A, AJ = Element(FLOAT32, "a", (AT,)), Element(FLOAT32, "a", (J,))
OUT = Element(FLOAT32, "out", (AT,))
OUT_ZERO = Element(FLOAT32, "out", (Literal(INT32, 0),))
T2 = Name(FLOAT32, "t2")
ACC, T, S = Name(FLOAT32, "acc"), Name(FLOAT32, "t"), Name(FLOAT32, "s")
V = Name(VEC, "v")


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def apply(op: str, *arguments: Expression) -> Apply:
    return Apply(FLOAT32, op, arguments)


def times(left: Expression, right: Expression) -> Apply:
    return apply("mul", left, right)


def above(left: Expression, right: Expression) -> Compare:
    return Compare(BOOL, (">",), (left, right))


def component(index: int) -> Component:
    return Component(FLOAT32, V, whole(index), True)


def program(*body: Statement) -> Program:
    return Program(
        "kernel",
        "loop",
        (4,),
        (
            Parameter("a", t.array(FLOAT32), -1.0, 1.0, (4,)),
            Parameter("n", INT32, 0, 4),
            Parameter("s", FLOAT32, -1.0, 1.0),
            Parameter("out", t.array(FLOAT32), -1.0, 1.0, (4,), True),
        ),
        (ThreadIndex(("i",)), *body),
        FUNCTIONS,
    )


S2 = Name(FLOAT32, "s2")


def dynamic(*body: Statement) -> For:
    return For("j", COUNT, body)


def constant(*body: Statement) -> For:
    return For("j", whole(4), body)


def add(value: Expression) -> AugmentedAssign:
    return AugmentedAssign(ACC, "add", value)


START = Assign(ACC, Cast(FLOAT32, number(0.0)))
COUNTER = Assign(Name(INT32, "k"), Cast(INT32, whole(0)))
COUNT_UP = AugmentedAssign(Name(INT32, "k"), "add", whole(1))
BELOW_FOUR = Compare(BOOL, ("<",), (Name(INT32, "k"), whole(4)))


def dynamic_index() -> For:
    return For("k", whole(MAX_UNROLL + 1), (Assign(T, A),))


def call(function: str, *arguments: Expression) -> Call:
    return Call(FLOAT32, function, arguments)


X = Name(FLOAT32, "x")
INNER_ARRAY = Parameter("p", t.array(FLOAT32), -1.0, 1.0, (4,), True)
PLACE = Element(FLOAT32, "p", (Name(INT32, "q"),))


def in_dynamic_loop(statement: Statement) -> tuple[Statement, ...]:
    return (START, For("j", whole(MAX_UNROLL + 1), (statement,)), Return((ACC,)))


def function(name: str, *body: Statement) -> Function:
    return Function(name, FLOAT32, (Parameter("x", FLOAT32, -1.0, 1.0),), body)


def writer(name: str, statement: Statement) -> Function:
    parameters = (INNER_ARRAY, Parameter("q", INT32, 0, 3), Parameter("x", FLOAT32, -1.0, 1.0))
    return Function(name, VOID, parameters, (statement,))


FUNCTIONS = (
    function("square", Return((times(X, X),))),
    function("shifted", Return((apply("add", X, number(1.0)),))),
    function("sum_of", *in_dynamic_loop(add(X))),
    function("product_of", *in_dynamic_loop(AugmentedAssign(ACC, "mul", X))),
    writer("put", Assign(PLACE, X)),
    writer("add_to", AugmentedAssign(PLACE, "add", X)),
    Function(
        "get",
        FLOAT32,
        (Parameter("p", t.array(FLOAT32), -1.0, 1.0, (4,)), Parameter("q", INT32, 0, 3)),
        (Return((PLACE,)),),
    ),
)
WHOLE_OUT = Name(t.array(FLOAT32), "out")
ADD_TO = Call(VOID, "add_to", (WHOLE_OUT, AT, A))
HELD = Element(INT32, "w", (whole(1),))
STORE = Assign(OUT, ACC)
STATE = Name(t.scalar("uint32"), "state")
SEEDED = Assign(STATE, Apply(STATE.type, "rand_init", (whole(3), AT)))
DRAWN = Apply(FLOAT32, "randf", (STATE,))
TEST_OF_INPUT = above(AJ, number(0.5))

INSIDE: dict[str, tuple[Statement, ...]] = {
    "no loop at all": (Assign(OUT, apply("sin", times(A, A))),),
    "a sum in a dynamic loop": (START, dynamic(add(AJ)), STORE),
    "a sum of products of inputs": (START, dynamic(add(times(AJ, AJ))), STORE),
    "a sum of a function": (START, dynamic(add(apply("sin", AJ))), STORE),
    "a difference": (START, dynamic(AugmentedAssign(ACC, "sub", AJ)), STORE),
    "a sum that is written out": (START, dynamic(Assign(ACC, apply("add", ACC, AJ))), STORE),
    "a sum that is scaled by a number after the loop": (
        START,
        dynamic(add(AJ)),
        Assign(OUT, apply("add", ACC, times(A, number(2.0)))),
    ),
    "a sum that is negated and added to": (START, dynamic(add(AJ)), Assign(OUT, apply("sub", A, apply("neg", ACC)))),
    "a sum under a condition on inputs": (START, dynamic(If(TEST_OF_INPUT, (add(AJ),))), STORE),
    "a sum with a continue": (START, dynamic(If(TEST_OF_INPUT, (Continue(),)), add(AJ)), STORE),
    "a value that every iteration computes anew": (
        START,
        dynamic(Assign(T, apply("sin", AJ)), add(times(T, T))),
        STORE,
    ),
    "the loop's index in a product": (START, dynamic(add(times(AJ, Cast(FLOAT32, J)))), STORE),
    "a sum of constants, used in a product": (
        Assign(T, Cast(FLOAT32, number(0.0))),
        dynamic(AugmentedAssign(T, "add", S)),
        Assign(OUT, A),
    ),
    "a factor that is drawn in a constant loop": (START, SEEDED, constant(Assign(T, DRAWN), add(times(T, AJ))), STORE),
    "a factor that is drawn before a dynamic loop that draws": (
        SEEDED,
        Assign(T, times(DRAWN, A)),
        dynamic(AugmentedAssign(T, "add", DRAWN)),
        Assign(OUT, T),
    ),
    "a product in a constant loop": (
        Assign(ACC, Cast(FLOAT32, number(1.0))),
        constant(Assign(ACC, times(ACC, AJ))),
        STORE,
    ),
    "a product after a constant loop": (START, constant(add(AJ)), Assign(OUT, times(ACC, ACC))),
    "a continue in a constant loop": (START, constant(If(TEST_OF_INPUT, (Continue(),)), add(times(AJ, AJ))), STORE),
    "a product before the loop": (Assign(T, times(A, A)), START, dynamic(add(AJ)), Assign(OUT, apply("add", ACC, T))),
    "two sums one after another": (START, dynamic(add(AJ)), For("k", COUNT, (add(A),)), STORE),
    "an atomic sum of a sum": (START, dynamic(add(AJ)), Atomic("atomic_add", "out", (whole(0),), ACC)),
    "a floor of a sum": (START, dynamic(add(AJ)), Assign(OUT, apply("add", apply("floor", ACC), A))),
    "a default vector, each component assigned once": (
        Assign(V, Construct(VEC, ())),
        *(Assign(component(k), A) for k in range(3)),
        Assign(OUT, apply("dot", V, V)),
    ),
    "a vector of literals, a component assigned once": (
        Assign(V, Construct(VEC, (number(1.0),))),
        Assign(component(0), A),
        Assign(OUT, component(0)),
    ),
    "sums on components": (
        Assign(V, Construct(VEC, (A,))),
        AugmentedAssign(component(0), "add", A),
        AugmentedAssign(component(0), "sub", A),
        Assign(OUT, component(0)),
    ),
    "a vector assigned as a whole in between": (
        Assign(V, Construct(VEC, ())),
        Assign(component(0), A),
        Assign(V, Construct(VEC, ())),
        Assign(component(0), A),
        Assign(OUT, component(0)),
    ),
    "a component assigned in either arm": (
        Assign(V, Construct(VEC, ())),
        If(above(A, number(0.0)), (Assign(component(0), A),), (Assign(component(0), S),)),
        Assign(OUT, component(0)),
    ),
    "a sum in place": (AugmentedAssign(OUT, "add", A),),
    "a difference in place": (AugmentedAssign(OUT, "sub", A),),
    "a product of a local in place": (Assign(T, times(A, A)), AugmentedAssign(T, "mul", A), Assign(OUT, T)),
    "an element stored": (Assign(OUT, A),),
    "floor, whose derivative is zero": (Assign(OUT, apply("add", apply("floor", A), A)),),
    "sign, whose derivative is zero": (Assign(OUT, times(apply("sign", A), A)),),
    "frac of what carries no derivative": (Assign(OUT, times(apply("frac", S), A)),),
    "an element that is overwritten before it is read": (
        Assign(OUT, A),
        Assign(OUT, times(A, A)),
        Assign(T, OUT),
    ),
    "an element that is overwritten where nothing read it": (
        If(above(A, number(0.0)), (Assign(T, OUT), Return())),
        Assign(OUT, A),
    ),
    "an element that is only added up, then overwritten": (Assign(T, apply("add", OUT, A)), Assign(OUT, T)),
    "an element that is only copied, then added to": (Assign(T, OUT), AugmentedAssign(OUT, "add", T)),
    "two elements that are swapped": (
        Assign(T, OUT),
        Assign(OUT, OUT_ZERO),
        Assign(OUT_ZERO, T),
    ),
    "an element that is multiplied after its last change": (
        Assign(OUT, A),
        AugmentedAssign(OUT, "add", A),
        Assign(T, times(OUT, A)),
    ),
    "an element that is overwritten on another path": (
        If(above(A, number(0.0)), (Assign(T, times(OUT, A)), Assign(T2, T)), (Assign(OUT, A),)),
    ),
    "another element that was read": (
        Assign(T, Element(FLOAT32, "out", (whole(0),))),
        Assign(Element(FLOAT32, "out", (whole(1),)), A),
    ),
    "a way out of a loop that only counts": (
        COUNTER,
        While(BELOW_FOUR, (If(above(Cast(FLOAT32, Name(INT32, "k")), A), (Break(),)), COUNT_UP)),
        Assign(OUT, times(A, A)),
    ),
    "a sum of numbers in a while loop, onto what carries a derivative": (
        Assign(T, times(A, A)),
        COUNTER,
        While(BELOW_FOUR, (AugmentedAssign(T, "add", number(1.0)), COUNT_UP)),
        Assign(OUT, T),
    ),
    "an integer that a while loop counts": (COUNTER, While(BELOW_FOUR, (COUNT_UP,)), Assign(OUT, times(A, A))),
    "a sum of a dynamic loop in a function": (Assign(OUT, times(call("sum_of", A), A)),),
    "a sum of a dynamic loop, passed to a function that only adds": (
        START,
        dynamic(add(AJ)),
        Assign(OUT, call("shifted", ACC)),
    ),
    "a function that stores to an array": (Evaluate(Call(VOID, "put", (Name(t.array(FLOAT32), "out"), AT, A))),),
    "a function that adds to an array that nothing reads": (Evaluate(ADD_TO),),
    "a branch that moves no derivative, by what an atomic returned": (
        Atomic("atomic_add", "out", (AT,), A, None, T),
        COUNTER,
        If(above(T, number(0.0)), (COUNT_UP,)),
        Assign(T2, apply("add", A, Cast(FLOAT32, Name(INT32, "k")))),
    ),
    "integers of an array that the thread made, in a sum": (
        Assign(Name(t.array(INT32), "w"), Zeros(t.array(INT32), (2,))),
        Assign(HELD, whole(2)),
        If(Compare(BOOL, (">",), (HELD, whole(1))), (AugmentedAssign(HELD, "add", whole(1)),)),
        Assign(OUT, apply("add", A, Cast(FLOAT32, HELD))),
    ),
    "a product of integers in place": (
        Assign(Name(t.array(INT32), "w"), Zeros(t.array(INT32), (2,))),
        AugmentedAssign(HELD, "mul", whole(2)),
        Assign(OUT, A),
    ),
    "two values at once": (Unpack((T, S2), (A, times(A, A))), Unpack((T, S2), (S2, T)), Assign(OUT, times(T, S2))),
    "an early return": (If(above(A, number(0.0)), (Assign(OUT, A), Return())), Assign(OUT, times(A, A))),
}

OUTSIDE: dict[str, tuple[Limit, tuple[Statement, ...]]] = {
    "a product in a dynamic loop": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(Assign(ACC, times(ACC, AJ))), STORE),
    ),
    "a product in place in a dynamic loop": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(AugmentedAssign(ACC, "mul", AJ)), STORE),
    ),
    "a factor that is drawn in a dynamic loop": (
        Limit.DYNAMIC_LOOP,
        (START, SEEDED, dynamic(Assign(T, DRAWN), add(times(T, AJ))), STORE),
    ),
    "a factor that is drawn after a dynamic loop that draws": (
        Limit.DYNAMIC_LOOP,
        (START, SEEDED, dynamic(add(DRAWN)), Assign(OUT, times(DRAWN, A))),
    ),
    "the square of a sum": (Limit.DYNAMIC_LOOP, (START, dynamic(add(AJ)), Assign(OUT, times(ACC, ACC)))),
    "the sine of a sum": (Limit.DYNAMIC_LOOP, (START, dynamic(add(AJ)), Assign(OUT, apply("sin", ACC)))),
    "a sum as a factor": (Limit.DYNAMIC_LOOP, (START, dynamic(add(AJ)), Assign(OUT, times(ACC, A)))),
    "a sum of constants as a factor": (Limit.DYNAMIC_LOOP, (START, dynamic(add(S)), Assign(OUT, times(ACC, A)))),
    "a minimum in a dynamic loop": (Limit.DYNAMIC_LOOP, (START, dynamic(Assign(ACC, apply("min", ACC, AJ))), STORE)),
    "a sum that is used in a product in the loop": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(add(AJ), Assign(T, times(ACC, AJ))), STORE),
    ),
    "a running sum of products with itself": (Limit.DYNAMIC_LOOP, (START, dynamic(add(times(ACC, AJ))), STORE)),
    "a condition on a sum, after the loop": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(add(AJ)), If(above(ACC, number(0.0)), (Assign(OUT, A),), (Assign(OUT, times(A, A)),))),
    ),
    "a ternary on a sum": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(add(AJ)), Assign(OUT, Conditional(FLOAT32, above(ACC, number(0.0)), A, times(A, A)))),
    ),
    "a break on a sum": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(If(above(ACC, number(1.0)), (Break(),)), add(AJ)), STORE),
    ),
    "a continue on a sum": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(If(above(ACC, number(1.0)), (Continue(),)), add(AJ)), STORE),
    ),
    "a sum in a while loop, which ends by what it computes": (
        Limit.DYNAMIC_LOOP,
        (START, COUNTER, While(BELOW_FOUR, (add(A), COUNT_UP)), STORE),
    ),
    "an index of a dynamic loop after it": (
        Limit.DYNAMIC_LOOP,
        (dynamic_index(), Assign(OUT, times(A, Cast(FLOAT32, Name(INT32, "k"))))),
    ),
    "a product in a function with a dynamic loop": (
        Limit.DYNAMIC_LOOP,
        (Assign(OUT, call("product_of", A)),),
    ),
    "a sum of a dynamic loop, passed to a function that squares it": (
        Limit.DYNAMIC_LOOP,
        (START, dynamic(add(AJ)), Assign(OUT, call("square", ACC))),
    ),
    "a function that adds to an element that is read then": (
        Limit.EFFECT_REPLAYED,
        (Evaluate(ADD_TO), Assign(T, times(OUT, A))),
    ),
    "a function that adds to the element that another function reads": (
        Limit.EFFECT_REPLAYED,
        (Evaluate(ADD_TO), Assign(T, times(Call(FLOAT32, "get", (WHOLE_OUT, AT)), A))),
    ),
    "a function that stores what has another value in the backward pass": (
        Limit.EFFECT_REPLAYED,
        (START, dynamic(add(AJ)), Evaluate(Call(VOID, "put", (WHOLE_OUT, AT, ACC))), Assign(T, times(OUT, A))),
    ),
    "a branch that moves no derivative, whose result is a factor": (
        Limit.ATOMIC_RETURNED,
        (
            Atomic("atomic_add", "out", (AT,), A, None, T),
            COUNTER,
            If(above(T, number(0.0)), (COUNT_UP,)),
            Assign(T2, times(A, Cast(FLOAT32, Name(INT32, "k")))),
        ),
    ),
    "a branch that ends a derivative, by what an atomic returned": (
        Limit.ATOMIC_RETURNED,
        (
            Assign(S2, A),
            Atomic("atomic_add", "out", (AT,), A, None, T),
            If(above(T, number(0.0)), (Assign(S2, number(1.0)),)),
            Assign(T2, S2),
        ),
    ),
    "an index that a loop computed": (
        Limit.DYNAMIC_LOOP,
        (
            Assign(Name(INT32, "k"), Cast(INT32, whole(0))),
            dynamic(Assign(Name(INT32, "k"), J)),
            Assign(OUT, Element(FLOAT32, "a", (Name(INT32, "k"),))),
        ),
    ),
    "a product in a constant loop that is too long": (
        Limit.DYNAMIC_LOOP,
        (START, For("j", whole(MAX_UNROLL + 1), (Assign(ACC, times(ACC, A)),)), STORE),
    ),
    "a product in a constant loop with a break": (
        Limit.DYNAMIC_LOOP,
        (START, constant(If(TEST_OF_INPUT, (Break(),)), Assign(ACC, times(ACC, AJ))), STORE),
    ),
    "a product in a loop over an array's length": (
        Limit.DYNAMIC_LOOP,
        (START, For("j", Extent(INT32, "a", 0), (Assign(ACC, times(ACC, AJ)),)), STORE),
    ),
    "a product in a constant loop inside of a dynamic one": (
        Limit.DYNAMIC_LOOP,
        (START, For("k", COUNT, (constant(Assign(ACC, times(ACC, AJ))),)), STORE),
    ),
    "a product in place": (Limit.IN_PLACE_PRODUCT, (AugmentedAssign(OUT, "mul", A),)),
    "a quotient in place": (
        Limit.IN_PLACE_PRODUCT,
        (AugmentedAssign(OUT, "div", apply("add", apply("abs", A), number(1.0))),),
    ),
    "a component assigned twice": (
        Limit.COMPONENT_REASSIGNED,
        (
            Assign(V, Construct(VEC, ())),
            Assign(component(0), A),
            Assign(component(0), times(A, A)),
            Assign(OUT, component(0)),
        ),
    ),
    "a component of a vector of inputs assigned": (
        Limit.COMPONENT_REASSIGNED,
        (Assign(V, Construct(VEC, (A,))), Assign(component(1), S), Assign(OUT, component(1))),
    ),
    "a component assigned in an arm and after it": (
        Limit.COMPONENT_REASSIGNED,
        (
            Assign(V, Construct(VEC, ())),
            If(above(A, number(0.0)), (Assign(component(0), A),)),
            Assign(component(0), A),
            Assign(OUT, component(0)),
        ),
    ),
    "a component assigned in a constant loop": (
        Limit.COMPONENT_REASSIGNED,
        (Assign(V, Construct(VEC, ())), constant(Assign(component(0), AJ)), Assign(OUT, component(0))),
    ),
    "a component by an index that varies, twice": (
        Limit.COMPONENT_REASSIGNED,
        (
            Assign(V, Construct(VEC, ())),
            Assign(component(0), A),
            Assign(Component(FLOAT32, V, Apply(INT32, "mod", (AT, whole(3)))), A),
            Assign(OUT, component(0)),
        ),
    ),
    "an element of an array that the thread made": (
        Limit.LOCAL_ARRAY,
        (
            Assign(Name(t.array(FLOAT32), "v"), Zeros(t.array(FLOAT32), (2,))),
            Assign(Element(FLOAT32, "v", (whole(0),)), A),
            Assign(OUT, Element(FLOAT32, "v", (whole(0),))),
        ),
    ),
    "a value that an atomic returned, in a product": (
        Limit.ATOMIC_RETURNED,
        (Atomic("atomic_add", "out", (AT,), A, None, T), Assign(OUT, times(T, A))),
    ),
    "an element that is read, then overwritten": (
        Limit.ELEMENT_OVERWRITTEN,
        (Assign(T, times(OUT, A)), Assign(OUT, times(T, A))),
    ),
    "an element that was copied, then overwritten, in a product": (
        Limit.ELEMENT_OVERWRITTEN,
        (Assign(T, OUT), Assign(OUT, A), Assign(S2, times(T, A))),
    ),
    "an element that is overwritten, as an index": (
        Limit.ELEMENT_OVERWRITTEN,
        (
            Assign(T, Element(FLOAT32, "a", (Cast(INT32, OUT),))),
            Assign(OUT, T),
        ),
    ),
    "an element that is overwritten, in a test": (
        Limit.ELEMENT_OVERWRITTEN,
        (If(above(OUT, number(0.0)), (Assign(OUT, A),)),),
    ),
    "an element that is read, then added to": (
        Limit.ELEMENT_OVERWRITTEN,
        (Assign(T, times(OUT, A)), AugmentedAssign(OUT, "add", T)),
    ),
    "an element that is read in an arm, then overwritten": (
        Limit.ELEMENT_OVERWRITTEN,
        (Assign(T, A), If(above(A, number(0.0)), (Assign(T, OUT),)), Assign(OUT, times(T, A))),
    ),
    "an element that an iteration reads and the next overwrites": (
        Limit.ELEMENT_OVERWRITTEN,
        (constant(Assign(OUT, A), Assign(T, times(OUT, A))),),
    ),
    "frac of an element that was stored": (
        Limit.NOT_DIFFERENTIABLE,
        (Assign(OUT, A), Assign(T, apply("frac", OUT))),
    ),
    "frac": (Limit.NOT_DIFFERENTIABLE, (Assign(OUT, apply("frac", A)),)),
    "frac of a local": (Limit.NOT_DIFFERENTIABLE, (Assign(T, times(A, A)), Assign(OUT, apply("frac", T)))),
}


@pytest.mark.parametrize("what", INSIDE)
def test_inside_the_limits(what: str) -> None:
    found = decode(encode(program(*INSIDE[what])))
    check_program(found, result_type)
    assert crossed(found, TRAITS) == ()


@pytest.mark.parametrize("what", OUTSIDE)
def test_outside_one_limit(what: str) -> None:
    limit, body = OUTSIDE[what]
    found = decode(encode(program(*body)))
    check_program(found, result_type)
    assert limit in crossed(found, TRAITS)
    others = set(crossed(found, TRAITS)) - {limit}
    assert not others


def rows(written: Expression, read: Expression, start: int) -> Program:
    """``out[i, written] = out[i, read] * a[j]`` for `j` from `start` on: four rows, one a thread."""
    plane = t.array(FLOAT32, 2)
    target, source = (Element(FLOAT32, "out", (AT, at)) for at in (written, read))
    step = Assign(target, times(source, Element(FLOAT32, "a", (J,))))
    found = Program(
        "chain",
        "loop",
        (4,),
        (
            Parameter("a", t.array(FLOAT32), 0.5, 1.5, (4,)),
            Parameter("out", plane, 0.5, 1.5, (4, 4), True),
        ),
        (ThreadIndex(("i",)), For("j", whole(4), (step,), whole(start))),
    )
    check_program(found, result_type)
    return found


def test_elements_that_only_their_indices_tell_apart_are_told_apart_by_a_launch(sandbox: Sandbox) -> None:
    """The documentation's own remedy for products in loops: each is kept in an element of its own."""
    before = Apply(INT32, "sub", (J, whole(1)))
    kept, lost = rows(J, before, 1), rows(before, J, 1)
    assert crossed(kept, TRAITS) == crossed(lost, TRAITS) == (Limit.ELEMENT_OVERWRITTEN,)
    assert expect(kept).limits == ()
    # the next iteration writes what this one read
    assert expect(lost).limits == (Limit.ELEMENT_OVERWRITTEN,)
    put = Evaluate(Call(VOID, "put", (WHOLE_OUT, AT, A)))
    once, twice = program(put, Assign(T, times(OUT, A))), program(put, put, Assign(T, times(OUT, A)))
    assert crossed(once, TRAITS) == (Limit.EFFECT_REPLAYED,)
    assert expect(once).limits == ()
    assert expect(twice).limits == (Limit.EFFECT_REPLAYED,)
    adding = program(*INSIDE["a function that adds to an array that nothing reads"])
    for verdict in verify_all([kept, once, adding], sandbox):
        assert verdict.tier is Tier.BACKWARD, verdict
        assert verdict.figures.gradients_checked == 1


def test_limits_of_equal_programs_are_equal() -> None:
    found = program(Assign(T, times(OUT, A)), Assign(OUT, times(T, A)))
    assert crossed(found, TRAITS) == crossed(decode(encode(found)), TRAITS)


def test_every_limit_has_an_example_and_a_sentence() -> None:
    # of kernels over indexed arrays, and of those built without a backward pass, other tests have examples
    elsewhere = {Limit.INDEXED_ARRAY, Limit.NO_BACKWARD, Limit.REFERENCE}
    assert {limit for limit, _ in OUTSIDE.values()} == set(Limit) - elsewhere
    assert all(len(limit.value) > 20 for limit in Limit)


def test_limits_come_in_a_fixed_order() -> None:
    found = program(
        Assign(T, apply("frac", A)),
        AugmentedAssign(OUT, "mul", A),
        START,
        dynamic(Assign(ACC, times(ACC, AJ))),
        AugmentedAssign(OUT, "add", ACC),
    )
    assert crossed(found, TRAITS) == (Limit.DYNAMIC_LOOP, Limit.IN_PLACE_PRODUCT, Limit.NOT_DIFFERENTIABLE)


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        (For("j", whole(MAX_UNROLL), ()), False),
        (For("j", whole(MAX_UNROLL + 1), ()), True),
        (For("j", whole(40), (), whole(0), whole(3)), False),
        (For("j", whole(-1), (), whole(5), whole(-1)), False),
        (For("j", whole(-1), (), whole(30), whole(-1)), True),
        (For("j", whole(0), ()), False),
        (For("j", COUNT, ()), True),
        (For("j", whole(4), (), COUNT), True),
        (For("j", whole(4), (), whole(0), COUNT), True),
        (For("j", Extent(INT32, "a", 0), ()), True),
        (For("j", whole(4), (Break(),)), True),
        (For("j", whole(4), (If(above(A, A), (), (Break(),)),)), True),
        (For("j", whole(4), (Continue(),)), False),
        (For("j", whole(4), (For("k", whole(4), (Break(),)),)), False),
    ],
    ids=lambda part: repr(part)[:40],
)
def test_which_loops_warp_does_not_unroll(loop: For, expected: bool) -> None:
    assert is_dynamic(loop) is expected


def test_a_smaller_limit_of_unrolling_makes_more_loops_dynamic() -> None:
    assert is_dynamic(For("j", whole(5), ()), max_unroll=4)
    assert not is_dynamic(For("j", whole(5), ()), max_unroll=5)


def test_the_backward_pass_is_not_run_where_it_may_lack_an_index() -> None:
    """A loop that is not replayed computes `k`: Warp's adjoint of ``a[k]`` would write to another place."""
    k = Name(INT32, "k")
    halve = Assign(k, Apply(INT32, "div", (k, Literal(INT32, 2))))
    program = program_of(
        FLOAT32,
        Assign(k, Cast(INT32, Literal(INT32, 9))),
        While(Compare(BOOL, (">",), (k, Literal(INT32, 0))), (halve,)),
        Assign(OUT, Element(FLOAT32, "a", (k,))),
    )
    expectation = expect(program)
    assert expectation.limits == (Limit.DYNAMIC_LOOP,)
    assert not any(launch.backward for launch in job(expectation, "known").launches)
    copied = program_of(FLOAT32, Assign(OUT, A))
    assert any(launch.backward for launch in job(expect(copied), "known").launches)


def test_the_backward_pass_is_not_run_where_a_loop_in_it_may_not_end() -> None:
    """Run again for its adjoints, the inner loop goes up to what is behind the last element that was read."""
    k, inner = Name(INT32, "k"), Name(INT32, "m")
    limit = Parameter("limits", t.array(INT32), 0, 3, (4,))

    def counted(stop: Expression) -> Program:
        return program_of(
            FLOAT32,
            Assign(k, Cast(INT32, whole(0))),
            While(
                Compare(BOOL, ("<",), (k, whole(4))),
                (
                    Assign(inner, Cast(INT32, whole(0))),
                    While(Compare(BOOL, ("<",), (inner, stop)), (AugmentedAssign(inner, "add", whole(1)),)),
                    AugmentedAssign(k, "add", whole(1)),
                ),
            ),
            Assign(OUT, A),
            more=(limit,),
        )

    for stop, within in ((whole(3), ()), (Element(INT32, "limits", (k,)), (Limit.DYNAMIC_LOOP,))):
        expectation = expect(counted(stop))
        assert expectation.limits == within
        assert any(launch.backward for launch in job(expectation, "known").launches) == (not within)
