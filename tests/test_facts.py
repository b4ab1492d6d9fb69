"""Tests within tests: what the outer one has decided, an inner one leaves alone; and no operation undoes itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from draws import drawn
from tiny import literal

from harness.oracle.expectation import Expectation
from harness.verdict import Outcome
from harness.verify import try_expect
from strategies import draw
from strategies.expressions import cancels
from strategies.facts import Facts, decided
from strategies.intervals import Interval
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Compare,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    While,
    walk,
)
from strategies.language.types import BOOL, FLOAT32, INT32, Scalar, array
from strategies.typed import Typed

CATEGORIES = ("branch", "nested_branch")
X, Y, N = Name(FLOAT32, "x"), Name(FLOAT32, "y"), Name(INT32, "n")
RANGES = {"x": Interval(-2.0, 2.0), "y": Interval(-2.0, 2.0), "n": Interval(0, 3)}


def interval_of(node: Expression) -> Interval | None:
    return RANGES.get(node.name) if isinstance(node, Name) else None


def compared(left: Expression, op: str, right: Expression) -> Compare:
    return Compare(BOOL, (op,), (left, right))


def number(value: float) -> Literal:
    return literal(FLOAT32, value)


def known(facts: Facts, node: Name) -> Interval:
    return facts.interval(Typed(node, RANGES[node.name]))


@pytest.mark.parametrize(
    ("op", "left", "right", "wanted"),
    [
        ("<", (0, 1), (1, 2), False),
        ("<", (1, 2), (0, 1), True),
        ("<=", (0, 1), (1, 2), True),
        (">", (0, 1), (1, 2), True),
        (">=", (1, 2), (0, 1), True),
        (">=", (0, 1), (1, 2), False),
        ("==", (0, 1), (2, 3), True),
        ("==", (1, 1), (1, 1), True),
        ("!=", (0, 1), (1, 1), False),
    ],
)
def test_a_comparison_is_decided_where_intervals_leave_no_choice(
    op: str, left: tuple[float, float], right: tuple[float, float], wanted: bool
) -> None:
    assert decided(op, Interval(*left), Interval(*right)) is wanted


def test_what_was_tested_holds_inside_an_arm_and_not_behind_it() -> None:
    facts = Facts(interval_of, {})
    test = compared(X, ">", number(0.5))
    with facts.supposing(test, True):
        assert known(facts, X) == Interval(0.5, 2.0)
    with facts.supposing(test, False):
        assert known(facts, X) == Interval(-2.0, 0.5)
    assert known(facts, X) == RANGES["x"]


def test_the_last_arm_of_a_chain_knows_of_all_tests_before_it() -> None:
    facts = Facts(interval_of, {})
    tests = [compared(N, "==", literal(INT32, n)) for n in range(2)]
    with facts.supposing_first(tests, 1):
        assert known(facts, N) == Interval(1, 1)
    with facts.supposing_first(tests, 2):
        assert known(facts, N) == Interval(2, 3)


def test_every_part_of_a_conjunction_is_known_where_it_holds() -> None:
    facts = Facts(interval_of, {})
    both = Logical(BOOL, "and", (compared(X, ">", number(0.0)), compared(Y, "<", number(1.0))))
    with facts.supposing(both, True):
        assert (known(facts, X), known(facts, Y)) == (Interval(0.0, 2.0), Interval(-2.0, 1.0))
    with facts.supposing(both, False):
        assert (known(facts, X), known(facts, Y)) == (RANGES["x"], RANGES["y"])
    with facts.supposing(Apply(BOOL, "unot", (both,)), True):
        assert known(facts, X) == RANGES["x"]


def test_another_name_of_a_value_is_the_value_and_a_changed_one_is_not() -> None:
    facts = Facts(interval_of, {"y": X})
    with facts.supposing(compared(X, ">", number(1.0)), True):
        assert known(facts, Y) == Interval(1.0, 2.0)
        assert facts.interval(Typed(Y, Interval(-9.0, 9.0))) == Interval(-9.0, 9.0)


def test_two_values_are_not_compared_again() -> None:
    facts = Facts(interval_of, {})
    facts.note(compared(X, "<", Y), False)
    assert facts.have_compared(Y, X)
    assert not facts.have_compared(X, N)


def _decided_tests(program: Program) -> Iterator[Compare]:
    """The comparisons of an input's element with a number that the tests around them, and guards, have decided."""
    held = {p.name: Interval(p.low, p.high) for p in program.parameters if not p.output and p.shape}

    def of(node: Expression) -> Interval | None:
        return held.get(node.array) if isinstance(node, Element) else None

    facts = Facts(of, {})

    def look(body: Sequence[Statement]) -> Iterator[Compare]:
        for statement in body:
            match statement:
                case If(test=test, body=own, orelse=other):
                    match test:
                        case Compare(operators=(op,), operands=(Element() as left, Literal(value=value))) if (
                            interval := of(left)
                        ) is not None:
                            if decided(op, facts.interval(Typed(left, interval)), Interval(value, value)):
                                yield test
                    with facts.supposing(test, True):
                        yield from look(own)
                    with facts.supposing(test, False):
                        yield from look(other)
                    if own and isinstance(own[-1], Return):
                        facts.note(test, False)
                case For(body=inner) | While(body=inner):
                    yield from look(inner)

    yield from look(program.body)


def test_an_arm_that_is_out_of_reach_would_be_found() -> None:
    element = Element(FLOAT32, "a", (Name(INT32, "i"),))

    def above(value: float) -> Compare:
        return Compare(BOOL, (">",), (element, number(value)))

    store = Assign(Element(FLOAT32, "out", (Name(INT32, "i"),)), element)
    parameters = (
        Parameter("a", array(FLOAT32), -2.0, 2.0, (4,)),
        Parameter("out", array(FLOAT32), -2.0, 2.0, (4,), output=True),
    )
    program = Program(
        "k", "branch", (4,), parameters, (ThreadIndex(("i",)), If(above(1.0), (If(above(0.5), (store,)),)))
    )
    assert list(_decided_tests(program)) == [above(0.5)]


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_arm_is_out_of_reach_by_what_was_tested_before(category: str) -> None:
    for program in drawn(category):
        assert not list(_decided_tests(program)), program.name


def _undoes_itself(node: object) -> bool:
    match node:
        case AugmentedAssign(target=target, operator="sub", value=value):
            return isinstance(target, Name) and cancels(target, value)
        case Assign(target=Name() as target, value=value):
            return target == value
        case Apply(op="sub", arguments=(left, right)):
            return cancels(left, right)
        case Apply(op="clamp", arguments=(value, low, high)) if isinstance(value.type, Scalar):
            numbers = isinstance(low, Literal) and isinstance(high, Literal)
            return value in (low, high) or low == high or (numbers and low.value >= high.value)  # type: ignore[union-attr]
        case If(body=own, orelse=other) if other:
            return own == other or (isinstance(other[0], If) and own == other[0].body)
    return False


@pytest.mark.parametrize("category", [*CATEGORIES, "elementwise", "scalar_array"])
def test_nothing_undoes_itself(category: str) -> None:
    """Nothing of a sum is taken away again, no clamp holds a value at itself, and no two arms are one."""
    for program in drawn(category):
        found = [node for node in walk(program) if _undoes_itself(node)]
        assert not found, (program.name, found[0])


@pytest.mark.parametrize(("category", "seed"), [("branch", 0), ("branch", 1), ("nested_branch", 2)])
def test_what_an_arm_reads_is_what_it_has_changed(category: str, seed: int) -> None:
    """Else a root would be taken of what the arm has made negative before: once in two hundred kernels."""
    for index in range(100):
        program = draw(category, seed, index)
        assert program is not None
        found = try_expect(program, seed)
        assert isinstance(found, Expectation) or found.outcome is not Outcome.INVALID, repr(program)
