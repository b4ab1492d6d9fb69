"""Parameters that are references: their text, what may be passed, and what it means."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from evaluating import evaluate
from simpler import candidates
from tiny import AT, apply, literal

from harness.oracle.expectation import TRAITS
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import well_formed
from harness.verdict import Tier
from harness.verify import verify_all
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Component,
    Construct,
    Element,
    Evaluate,
    Expression,
    Field,
    For,
    Function,
    If,
    Literal,
    Name,
    Options,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    Unpack,
    decode,
    encode,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import BOOL, FLOAT32, INT32, VOID
from strategies.ops import result_type

VEC = t.vector(3, FLOAT32)
BODY = t.struct("Body", (("mass", FLOAT32), ("velocity", VEC)))
X, Y, H = Name(FLOAT32, "x"), Name(FLOAT32, "y"), Name(FLOAT32, "h")
P, Q, V, S = Name(FLOAT32, "p"), Name(FLOAT32, "q"), Name(VEC, "v"), Name(BODY, "s")
A, B, OUT = (Element(FLOAT32, name, (AT,)) for name in ("a", "b", "out"))
NO_GRADIENT = Options(enable_backward=False)


def reference(name: Name) -> Parameter:
    return Parameter(name.name, name.type, -2.0, 2.0, reference=True)


STEP = Parameter("h", FLOAT32, -2.0, 2.0)
EARLY = If(Compare(BOOL, (">",), (X, literal(FLOAT32, 0.5))), (Assign(X, literal(FLOAT32, 0.25)), Return()))
FUNCTIONS = (
    Function("advance", VOID, (reference(X), STEP), (EARLY, AugmentedAssign(X, "add", H))),
    Function("taken", FLOAT32, (reference(X), STEP), (Assign(Y, X), Assign(X, apply("mul", X, H)), Return((Y,)))),
    Function("swap", VOID, (reference(X), reference(Y)), (Unpack((X, Y), (Y, X)),)),
    Function("twice", VOID, (reference(X),), (Evaluate(Call(VOID, "advance", (X, X))),) * 2),
    Function(
        "turn",
        VOID,
        (reference(V), STEP),
        (AugmentedAssign(Component(FLOAT32, V, Literal(INT32, 1), True), "sub", H), Assign(V, apply("neg", V))),
    ),
    Function(
        "push",
        VOID,
        (reference(S), STEP),
        (
            AugmentedAssign(Field(FLOAT32, S, "mass"), "add", H),
            Evaluate(Call(VOID, "turn", (Field(VEC, S, "velocity"), H))),
        ),
    ),
)


def call(name: str, *arguments: Expression) -> Evaluate:
    return Evaluate(Call(VOID, name, arguments))


def kernel(
    *body: Statement, options: Options | None = NO_GRADIENT, functions: Sequence[Function] = FUNCTIONS
) -> Program:
    arrays = tuple(Parameter(name, t.array(FLOAT32), -1.0, 1.0, (6,), name == "out") for name in ("a", "b", "out"))
    return Program("kernel", "function", (6,), arrays, (ThreadIndex(("i",)), *body), tuple(functions), options=options)


def vector(*numbers: Expression) -> Construct:
    return Construct(VEC, numbers)


START = Assign(P, apply("mul", A, B))
OTHER = Assign(Q, apply("add", A, B))
STORE = Assign(OUT, P)
THIRD = Component(FLOAT32, V, Literal(INT32, 2))
VELOCITY = Component(FLOAT32, Field(VEC, S, "velocity"), Literal(INT32, 1), True)
PASSED: dict[str, tuple[Statement, ...]] = {
    "a local": (START, call("advance", P, A), STORE),
    "a local, twice": (START, call("advance", P, A), call("advance", P, B), STORE),
    "a local, and a result": (START, Assign(Q, Call(FLOAT32, "taken", (P, B))), Assign(OUT, apply("sub", Q, P))),
    "two locals": (START, OTHER, call("swap", P, Q), Assign(OUT, apply("sub", P, Q))),
    "a reference": (START, call("twice", P), STORE),
    "a vector": (Assign(V, vector(A, B, A)), call("turn", V, B), Assign(OUT, Component(FLOAT32, V, Literal(INT32, 1)))),
    "a component": (Assign(V, vector(A, B, A)), call("advance", THIRD, B), Assign(OUT, THIRD)),
    "an element": (Assign(OUT, A), call("advance", OUT, B)),
    "an element and what it held": (Assign(OUT, A), call("advance", OUT, OUT)),
    "a struct": (Assign(S, Construct(BODY, (A, vector(A, B, A)))), call("push", S, B), Assign(OUT, VELOCITY)),
    "a field": (
        Assign(S, Construct(BODY, (A, vector(A, B, A)))),
        call("advance", Field(FLOAT32, S, "mass"), B),
        Assign(OUT, Field(FLOAT32, S, "mass")),
    ),
    "in a branch": (START, If(Compare(BOOL, (">",), (A, B)), (call("advance", P, A),)), STORE),
    "in a loop": (START, For("k", Literal(INT32, 3), (call("advance", P, A),)), STORE),
}


def used(*body: Statement) -> Program:
    """A kernel with those of the functions that it needs."""
    names = {"swap": (2,), "taken": (1,), "twice": (0, 3), "turn": (4,), "push": (4, 5)}
    called = next(n for s in body for n in _calls(s))
    return kernel(*body, functions=[FUNCTIONS[n] for n in names.get(called, (0,))])


def _calls(node: Statement) -> list[str]:
    match node:
        case Evaluate(value=found) | Assign(value=Call() as found):
            return [found.function]
        case If(body=body) | For(body=body):
            return [name for inner in body for name in _calls(inner)]
    return []


def test_a_reference_is_written_as_warp_has_it() -> None:
    source = render(used(*PASSED["a struct"]))
    assert "def turn(v: wp.ref[wp.vec3], h: wp.float32):" in source
    assert "def push(s: wp.ref[Body], h: wp.float32):" in source
    assert "@wp.kernel(enable_backward=False)" in source


def test_what_is_passed_is_changed_as_warp_changes_it(sandbox: Sandbox) -> None:
    programs = [used(*body) for body in PASSED.values()]
    for program in programs:
        check_program(program, result_type)
        assert well_formed(program)
        assert decode(encode(program)) == program
    for what, verdict in zip(PASSED, verify_all(programs, sandbox), strict=True):
        assert verdict.tier is Tier.FORWARD, (what, verdict)


def test_the_caller_has_what_the_function_stored_last() -> None:
    a, b = np.linspace(-1, 1, 6, dtype=np.float32), np.full(6, 0.9, np.float32)
    found = evaluate(used(*PASSED["a local"]), {"a": a, "b": b, "out": np.zeros(6, np.float32)})
    p = a * b
    assert np.array_equal(found["out"], np.where(p > 0.5, np.float32(0.25), p + a))


def test_without_references_a_function_returns_what_it_changes() -> None:
    flat = flattened(used(*PASSED["a local, and a result"]))
    assert flat.functions[0].type is t.tuple_of((FLOAT32, FLOAT32))
    assert not any(p.reference for p in flat.functions[0].parameters)
    assert flat.body[2] == Unpack((Q, P), (Call(t.tuple_of((FLOAT32, FLOAT32)), "taken", (P, B)),))


CONSTANT = Assign(P, Literal(FLOAT32, 0.5))
REFUSED: dict[str, tuple[Statement, ...]] = {
    "a number": (call("advance", Literal(FLOAT32, 0.5), A), Assign(OUT, A)),
    "what is computed": (call("advance", apply("add", A, B), A), Assign(OUT, A)),
    "an input": (call("advance", A, B), Assign(OUT, A)),
    "a number that Warp knows": (CONSTANT, call("advance", P, A), STORE),
    "one thing twice": (START, call("swap", P, P), STORE),
    "two parts of one thing": (
        Assign(V, vector(A, B, A)),
        call("swap", THIRD, Component(FLOAT32, V, Literal(INT32, 0))),
        Assign(OUT, THIRD),
    ),
    "an expression's part": (START, Assign(OUT, apply("add", Call(FLOAT32, "taken", (P, A)), P))),
    "its own result's place": (START, Assign(P, Call(FLOAT32, "taken", (P, A))), STORE),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_passed_is_refused(what: str) -> None:
    with pytest.raises(IllFormed):
        check_program(kernel(*REFUSED[what]), result_type)


def test_a_length_that_warp_knows_is_refused() -> None:
    n, m = Name(INT32, "n"), Name(INT32, "m")
    count = Function("count", VOID, (reference(m),), (AugmentedAssign(m, "add", Literal(INT32, 1)),))
    length = Apply(INT32, "len", (vector(A, B, A),))
    changeable = (Assign(n, Cast(INT32, length)), call("count", n), Assign(OUT, A))
    check_program(kernel(*changeable, functions=(count,)), result_type)
    with pytest.raises(IllFormed, match="no variable that can be passed"):
        check_program(kernel(Assign(n, length), *changeable[1:], functions=(count,)), result_type)


def test_an_index_that_the_function_changes_is_refused() -> None:
    n = Name(INT32, "n")
    both = Function("both", VOID, (reference(X), reference(n)), (AugmentedAssign(n, "add", Literal(INT32, 0)),))
    body = (Assign(n, Cast(INT32, Literal(INT32, 2))), Assign(OUT, A))
    with pytest.raises(IllFormed, match="where its argument is"):
        check_program(kernel(*body, call("both", Element(FLOAT32, "out", (n,)), n), functions=(both,)), result_type)


@pytest.mark.parametrize("options", [None, Options(max_unroll=4)])
def test_a_kernel_that_passes_references_has_no_backward_pass(options: Options | None) -> None:
    with pytest.raises(IllFormed, match="there is a gradient"):
        check_program(kernel(*PASSED["a local"], options=options), result_type)


def test_references_are_a_limit_where_they_are_passed_and_not_elsewhere() -> None:
    assert crossed(used(*PASSED["a local"]), TRAITS) == (Limit.NO_BACKWARD, Limit.REFERENCE)
    by_value = msgspec.structs.replace(FUNCTIONS[1], parameters=(Parameter("x", FLOAT32, -2.0, 2.0), STEP))
    body = (START, Assign(Q, Call(FLOAT32, "taken", (P, B))), Assign(OUT, apply("sub", Q, P)))
    assert crossed(kernel(*body, options=None, functions=(by_value,)), TRAITS) == ()


def test_a_chain_that_compares_a_reference_is_split() -> None:
    chain = Compare(BOOL, ("<", "<"), (literal(FLOAT32, -1.0), H, X))
    function = Function("held", VOID, (reference(X), STEP), (If(chain, (Assign(X, H),)),))
    rewritten = REWRITES["split_comparison_chains"](kernel(START, call("held", P, A), STORE, functions=(function,)))
    assert "if -1.0 < h and h < x:" in render(rewritten)


@pytest.mark.parametrize("what", PASSED)
def test_whatever_reducing_tries_is_well_formed(what: str) -> None:
    tried = list(candidates(used(*PASSED[what])))
    assert len(tried) >= 50
    for candidate in tried:
        check_program(candidate, result_type)


def test_rewrites_of_what_functions_change_leave_references_alone() -> None:
    inputs = {name: np.linspace(-1, 1, 6, dtype=np.float32) for name in ("a", "b", "out")}
    for body in PASSED.values():
        program = used(*body)
        expected = evaluate(program, inputs)["out"]
        for name in ("copy_changed_arguments", "copy_before_dynamic_loops", "copy_changed_vectors"):
            assert np.array_equal(evaluate(REWRITES[name](program), inputs)["out"], expected), name
