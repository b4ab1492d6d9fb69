"""What triage promises: one bug one bucket, two bugs two, and a known issue is recognised by its cause."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from planted import Defect, sandbox_with
from tiny import apply

from corpus.case import check_bucket, check_case, decode_case
from harness.oracle.accumulation import starts
from harness.oracle.expectation import expect
from harness.oracle.inputs import Flavour, derive
from harness.oracle.reference import Evaluator
from harness.reports.findings import page
from harness.rewrites import REWRITES
from harness.rewrites.calls import BUILT_INS_TOO
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.triage import KnownIssue, Ledger, LedgerError, Verify, Versions, bucket, message_head
from harness.verdict import Failure, FailureKind, Outcome, Tier, Verdict, failed, inconclusive
from harness.verify import verify_all
from strategies import draw
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
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
    Expression,
    Extent,
    Field,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Part,
    Program,
    Return,
    Slice,
    Statement,
    ThreadIndex,
    While,
    walk,
)
from strategies.language.types import BOOL, FLOAT32, INT32, Scalar, Struct
from strategies.language.unrolling import is_dynamic
from strategies.names import NAMES
from strategies.ops import OPS

WARP = "1.19.0"


def element(name: str, of: Scalar = FLOAT32) -> Element:
    return Element(of, name, (Name(INT32, "i"),))


def store(value: Expression, of: Scalar = FLOAT32, name: str = "scale_points", extent: int = 5) -> Program:
    """A kernel that stores one value, computed from ``x[i]`` and ``y[i]``."""
    array = types.array(of)
    return Program(
        name,
        "elementwise",
        (extent,),
        (
            Parameter("x", array, 0.5, 2.0, (extent,)),
            Parameter("y", array, 0.75, 2.0, (extent,)),
            Parameter("out", array, 0, 0, (extent,), True),
        ),
        (ThreadIndex(("i",)), Assign(element("out", of), value)),
    )


X, Y = element("x"), element("y")
REMAINDER = store(apply("mod", X, Y))
CHAIN = store(Conditional(FLOAT32, Compare(BOOL, ("<", "<"), (Literal(FLOAT32, 0.5), Literal(FLOAT32, 0.75), X)), X, Y))
#: both defects at once: a chain that is refused, around a remainder
BOTH = store(Conditional(FLOAT32, CHAIN.body[1].value.test, apply("mod", X, Y), Y))  # type: ignore[union-attr]


WIDE = types.FLOAT64
SUM, N = Name(WIDE, "a"), Name(INT32, "n")
CONVERSION = msgspec.structs.replace(
    store(SUM, WIDE),
    body=(
        ThreadIndex(("i",)),
        Assign(SUM, element("x", WIDE)),
        For("n", Literal(INT32, 2), (Assign(SUM, apply("add", Cast(WIDE, N), Element(WIDE, "y", (N,)))),)),
        Assign(element("out", WIDE), SUM),
    ),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def plant(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make the references of operations differ from Warp."""
    for name in names:
        row = OPS[name]
        wrong = dataclasses.replace(row, reference=lambda *a, right=row.reference: right(*a) * 1.25)
        monkeypatch.setitem(OPS, name, wrong)


# ---------------------------------------------------------------- buckets


def buckets_of(op: str, categories: tuple[str, ...], sandbox: Sandbox, most: int, enough: int) -> list[str]:
    """The buckets of up to `enough` of the first `most` drawn programs with `op` that fail."""
    found = []
    for category in categories:
        programs = [p for n in range(400) if (p := draw(category, 9, n)) is not None]
        hit = [p for p in programs if any(isinstance(n, Apply) and n.op == op for n in walk(p))][:most]
        for given, verdict in zip(hit, verify_all(hit, sandbox), strict=True):
            failure = verdict.failure
            if len(found) < enough and failure is not None and failure.kind is FailureKind.FORWARD_MISMATCH:
                reduced = reduce(given, verdict, sandbox)
                assert reduced.verdict.failure is not None
                found.append(bucket(reduced.program, reduced.verdict.failure))
    return found


def test_many_hits_of_one_defect_are_one_bucket_and_another_defect_is_another(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
):
    plant(monkeypatch, "cos")
    cosine = buckets_of("cos", ("elementwise",), sandbox, most=9, enough=2)
    monkeypatch.undo()
    plant(monkeypatch, "sqrt")
    root = buckets_of("sqrt", ("elementwise",), sandbox, most=4, enough=2)
    assert len(cosine) >= 2
    assert set(cosine) == {"forward-mismatch-cos"}
    assert set(root) == {"forward-mismatch-sqrt"}


def mismatch(parameter: str = "out", **more: object) -> Failure:
    values: dict[str, object] = {"message": "", "parameter": parameter, "expected": 1.0, "actual": 2.0, **more}
    return Failure(FailureKind.FORWARD_MISMATCH, **values)  # type: ignore[arg-type]


def test_names_values_and_extents_do_not_make_a_bucket():
    program, other = store(apply("sin", X)), store(apply("sin", Y), name="other", extent=9)
    assert bucket(program, mismatch()) == bucket(other, mismatch(expected=7.0)) == "forward-mismatch-sin"


def test_a_buckets_name_can_be_a_folder_however_much_is_left():
    value: Expression = X
    for op in sorted(op for op in OPS if OPS[op].result([FLOAT32]) is FLOAT32):
        value = apply(op, value)
    name = bucket(store(value), mismatch())
    check_bucket(name)
    assert len(name) < 90


def test_one_precision_makes_a_bucket_only_if_the_referee_says_so():
    wide = store(apply("sin", element("x", types.FLOAT64)), types.FLOAT64)
    assert bucket(wide, mismatch(referee="all precisions")) == "forward-mismatch-sin"
    assert bucket(wide, mismatch(referee="float64 itself")) == "forward-mismatch-sin-float64"


@pytest.mark.parametrize(
    ("message", "head"),
    [
        (
            'WarpCodegenTypeError: Error while parsing function "chain" at kernel_3.py:6:\n    if 0.0 < c[i]:\n'
            ";Cannot chain comparisons of unequal types: <class 'warp._src.types.float32'> < wp.ref[float32].",
            "Cannot chain comparisons of unequal types: <",
        ),
        ("/tmp/a/m.cpp:12:5: error: no matching function to 'f'\n more", "no matching function to"),
        ("KeyError: Expected to call `address()` of 'x'", "KeyError: Expected to call address of"),
        ("killed by signal 11", "killed by signal"),
        (
            "Couldn't find function overload for 'abs' that matched inputs with types: [float32]",
            "Couldn't find function overload for abs that matched inputs with types",
        ),
    ],
)  # fmt: skip
def test_a_message_is_known_by_what_is_not_this_programs(message: str, head: str):
    assert message_head(message) == head


def test_what_was_refused_is_explained_if_it_is_built_though_too_little_can_be_compared(sandbox: Sandbox):
    chain = Compare(BOOL, ("<", "<"), (Literal(FLOAT32, 0.5), X, Y))
    program = store(Literal(FLOAT32, 1.0))
    body = (program.body[0], If(chain, (Assign(element("out"), Literal(FLOAT32, 2.0)),)), program.body[1])
    program = msgspec.structs.replace(program, body=body)
    (verdict,) = verify_all([program], sandbox)
    ledger, told = Ledger.load(), [inconclusive("nothing depends on the inputs")]
    known = ledger.explain(program, verdict, sandbox, "1.19.0", verify=lambda programs, *_: told * len(programs))
    assert known is not None
    assert known.id == "comparison-chain-element"


def test_a_wrong_adjoint_of_a_change_in_place_is_not_laid_to_what_such_changes_are_known_for(tmp_path: Path):
    """Ruling out that an old value is overwritten must leave the change in place as it is."""
    flipped = Defect(
        "native/vec.h", r"(adj_sub_inplace\(vec_t<Length, Type>& v, int[^}]*\}[^}]*\}\s*adj_value) -=", r"\1 +="
    )
    of = types.vector(3, FLOAT32)
    value = Name(of, "v")
    program = msgspec.structs.replace(
        store(X),
        body=(
            ThreadIndex(("i",)),
            Assign(value, Apply(of, "normalize", (Construct(of, (X, X, Y)),))),
            AugmentedAssign(Component(FLOAT32, value, Literal(INT32, 1)), "sub", Y),
            Assign(element("out"), Component(FLOAT32, value, Literal(INT32, 1))),
        ),
    )
    ledger = Ledger.load()
    with sandbox_with(tmp_path, [flipped]) as broken:
        (verdict,) = verify_all([program], broken)
        assert verdict.failure is not None
        assert ledger.explain(program, verdict, broken, broken.versions.warp) is None


# ---------------------------------------------------------------- rewrites


def test_what_could_be_a_known_issue_is_avoided_and_nothing_else():
    ledger, wrong = Ledger.load(), Failure(FailureKind.BACKWARD_MISMATCH, "", "y", True)
    other = store(apply("sin", X))
    assert ledger.avoided(other, wrong, "1.19.0") is other
    assert ledger.avoided(store(apply("mod", X, Y)), wrong, "1.19.0") != store(apply("mod", X, Y))
    # it shows itself by gradients alone
    assert ledger.avoided(store(apply("mod", X, Y)), mismatch(), "1.19.0") == store(apply("mod", X, Y))


def test_a_rewrite_with_nothing_to_change_returns_the_same_object():
    program = store(Logical(FLOAT32, "and", (X, Y)))
    for rewrite in REWRITES.values():
        assert rewrite(program) is program


def test_rewrites_reach_every_place():
    deep = store(apply("sin", apply("mod", apply("mod", X, Y), Y)))
    rewritten = REWRITES["add_slopes_of_divisors"](deep)
    divisors = [n.arguments[1] for n in walk(rewritten) if isinstance(n, Apply) and n.op == "mod"]
    assert divisors
    assert all(isinstance(divisor, Call) for divisor in divisors)
    assert len(rewritten.functions) == 1
    a = Name(FLOAT32, "a")
    given = store(a)
    start, end = given.body
    in_place = msgspec.structs.replace(given, body=(start, Assign(a, X), AugmentedAssign(a, "mod", Y), end))
    rewritten = REWRITES["add_slopes_of_divisors"](in_place)
    assert not any(isinstance(n, AugmentedAssign) for n in walk(rewritten))
    body = Struct("Body", (("mass", FLOAT32),))
    part = Field(FLOAT32, Name(body, "b"), "mass")
    nested = Field(FLOAT32, Field(body, Name(Struct("Pair", (("first", body),)), "pair"), "first"), "mass")
    number = Component(FLOAT32, Name(types.vector(2, FLOAT32), "v"), Literal(types.INT32, 1))
    for target in (part, nested, number):
        in_part = msgspec.structs.replace(given, body=(start, AugmentedAssign(target, "mod", Y), end))
        rewritten = REWRITES["add_slopes_of_divisors"](in_part)
        assert not any(isinstance(n, AugmentedAssign) for n in walk(rewritten))
    integers = types.INT32
    whole = store(apply("mod", element("x", integers), element("y", integers)), integers)
    assert REWRITES["add_slopes_of_divisors"](whole) is whole


def leaving(start: int, stop: int, step: int, after: int, way_out: Statement) -> Program:
    """A loop that takes the square root of ``x[i]``, times the index, until it has come to `after`.

    The result counts the last index, too.
    """
    value, index = Name(FLOAT32, "a"), Name(INT32, "n")
    bounds = {"start": Literal(INT32, start), "stop": Literal(INT32, stop), "step": Literal(INT32, step)}
    body = (
        If(Compare(BOOL, ("==",), (index, Literal(INT32, after))), (way_out,)),
        Assign(value, apply("mul", apply("sqrt", X), Cast(FLOAT32, index))),
    )
    return msgspec.structs.replace(
        store(value),
        body=(
            ThreadIndex(("i",)),
            Assign(value, Cast(FLOAT32, Literal(FLOAT32, 1.0))),
            For("n", body=body, **bounds),
            Assign(element("out"), apply("add", value, Cast(FLOAT32, index))),
        ),
    )


@pytest.mark.parametrize("bounds", [(0, 5, 1), (0, 16, 1), (0, 17, 1), (2, 41, 2), (19, 0, -1), (0, 256, 1)], ids=repr)
@pytest.mark.parametrize("turns", [0, 1, 4, 1000])
@pytest.mark.parametrize("way_out", [Break(), Continue(), Return()], ids=["break", "continue", "return"])
def test_guarding_the_exits_of_a_loop_keeps_its_meaning(bounds: tuple[int, int, int], turns: int, way_out: Statement):
    start, stop, step = bounds
    given = leaving(start, stop, step, start + turns * step, way_out)
    rewritten = REWRITES["guard_loop_exits"](given)
    assert not any(isinstance(node, Break | Continue | Return) for node in walk(rewritten))
    assert not any(isinstance(node, For) and is_dynamic(node) for node in walk(rewritten))
    inputs = {name: values[None] for name, values in derive(given, 0, Flavour.GENERIC).items()}
    before, after = (Evaluator(p, inputs, native=True).run().arrays["out"] for p in (given, rewritten))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("way_out", [Break(), Continue(), Return()], ids=["break", "continue", "return"])
def test_guarding_exits_bounds_loops_by_what_is_known_of_integers(way_out: Statement):
    at, local = Name(INT32, "i"), Name(INT32, "m")
    given = leaving(6, 0, -2, 2, way_out)
    first, start, loop, last = given.body
    assert isinstance(loop, For)
    size = Assign(local, apply("mod", at, Literal(INT32, 5)))
    outer = Name(INT32, "k")
    for stop in (local, apply("mod", at, Literal(INT32, 3)), apply("sub", outer, Literal(INT32, 1))):
        bounded: Statement = msgspec.structs.replace(loop, stop=stop)
        if outer in walk(stop):
            bounded = For("k", Literal(INT32, 3), (bounded,))
        program = msgspec.structs.replace(given, body=(first, start, size, bounded, last))
        rewritten = REWRITES["guard_loop_exits"](program)
        assert not any(isinstance(node, Break | Continue | Return) for node in walk(rewritten))
        inputs = {name: values[None] for name, values in derive(program, 0, Flavour.GENERIC).items()}
        before, after = (Evaluator(p, inputs, native=True).run().arrays["out"] for p in (program, rewritten))
        np.testing.assert_array_equal(before, after)


# ---------------------------------------------------------------- the ledger

ENTRY = """
[[issue]]
id = "one"
title = "something"
kind = "rejected"
buckets = ["rejected-x"]
issue = "not reported yet"
versions = { first = "1.10", last = "1.19.0" }
fixed_when = "it works"
script = "one.py"
"""


def ledger(folder: Path, text: str) -> Ledger:
    path = folder / "known.toml"
    path.write_text(text)
    return Ledger.load(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ENTRY + ENTRY, "2 issues called 'one'"),
        (ENTRY.replace('buckets = ["rejected-x"]', ""), "neither buckets nor a rewrite"),
        (ENTRY.replace('buckets = ["rejected-x"]', 'rewrite = "mend_all"'), "no rewrite 'mend_all'"),
        (ENTRY + 'rewrite = "guard_loop_exits"', "both buckets and a rewrite"),
        (ENTRY.replace('script = "one.py"', ""), "must have a script"),
        (ENTRY + 'no_case = "none"', "must have a script"),
        (ENTRY.replace('"rejected"', '"odd"'), "odd"),
        (ENTRY.replace("not reported yet", "soon"), "issue"),
        (ENTRY + "whim = 1", "whim"),
        (ENTRY + ENTRY.replace('"one"', '"two"'), "belongs to 'one' and 'two'"),
        (ENTRY.replace("rejected-x", "a/b"), "no name for a bucket"),
        ("[[issue", "known.toml"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, complaint: str):
    with pytest.raises(LedgerError, match=r"known\.toml") as caught:
        ledger(tmp_path, text)
    assert complaint in str(caught.value)


def test_a_missing_ledger_is_named(tmp_path: Path):
    with pytest.raises(LedgerError, match=r"nothing\.toml"):
        Ledger.load(tmp_path / "nothing.toml")


def test_an_issue_affects_the_versions_between_its_first_and_its_last(tmp_path: Path):
    (issue,) = ledger(tmp_path, ENTRY).issues
    assert [issue.affects(v) for v in ("1.9.1", "1.10.0", "1.19.0", "1.19.1", "1.20.0.dev3")] == [
        False, True, True, False, False,
    ]  # fmt: skip
    (open_ended,) = ledger(tmp_path, ENTRY.replace(', last = "1.19.0"', "")).issues
    assert open_ended.affects("2.0")
    assert ledger(tmp_path, ENTRY).by_bucket("rejected-x", "1.20") is None


def failing(program: Program, sandbox: Sandbox):
    (verdict,) = verify_all([program], sandbox)
    assert verdict.failure is not None, verdict
    return verdict


def changed_by_while() -> Program:
    """A square root, to which a ``while`` loop adds then."""
    value, count = Name(FLOAT32, "a"), Name(INT32, "n")
    body = (
        AugmentedAssign(value, "add", Literal(FLOAT32, 1.0)),
        AugmentedAssign(count, "sub", Literal(INT32, 1)),
    )
    return msgspec.structs.replace(
        store(value),
        body=(
            ThreadIndex(("i",)),
            Assign(value, apply("sqrt", X)),
            Assign(count, Cast(INT32, Literal(INT32, 2))),
            While(Compare(BOOL, (">",), (count, Literal(INT32, 0))), body),
            Assign(element("out"), value),
        ),
    )


def argument_changed_by_loop() -> Program:
    """A sine, whose argument a loop over an array replaces then."""
    argument, value = Name(FLOAT32, "a"), Name(FLOAT32, "b")
    return msgspec.structs.replace(
        store(X, extent=3),
        body=(
            ThreadIndex(("i",)),
            Assign(argument, X),
            Assign(value, apply("sin", argument)),
            For("n", Extent(INT32, "x", 0), (Assign(argument, Literal(FLOAT32, 1.0)),)),
            Assign(element("out"), value),
        ),
    )


def argument_changed_in_branch(read_there: bool) -> Program:
    """A square, of a number that a loop replaces then, within a branch; the branch may hold the square, too."""
    argument = Name(FLOAT32, "a")
    square = Assign(element("out"), apply("mul", argument, argument))
    loop = For("n", Extent(INT32, "x", 0), (Assign(argument, Literal(FLOAT32, 1.0)),))
    test = Compare(BOOL, (">",), (Y, Literal(FLOAT32, 0.5)))
    inner = (square, loop) if read_there else (loop,)
    return msgspec.structs.replace(
        store(X),
        body=(
            ThreadIndex(("i",)),
            Assign(argument, apply("sin", X)),
            *(() if read_there else (square,)),
            If(test, inner),
        ),
    )


def changed_by_slice() -> Program:
    """A vector of length one, of which a slice is changed then."""
    of = types.vector(3, FLOAT32)
    value = Name(of, "v")
    number = Literal(FLOAT32, 0.5)
    return msgspec.structs.replace(
        store(X),
        body=(
            ThreadIndex(("i",)),
            Assign(value, Apply(of, "normalize", (Construct(of, (X, number, number)),))),
            AugmentedAssign(Part(types.vector(2, FLOAT32), value, Slice(stop=Literal(INT32, 2))), "add",
                            Construct(types.vector(2, FLOAT32), (X, X))),
            Assign(element("out"), Component(FLOAT32, value, Literal(INT32, 0))),
        ),
    )  # fmt: skip


def index_changed(extent: int) -> Program:
    """A loop over an array that changes its own index after it has read with it."""
    value, index = Name(FLOAT32, "a"), Name(INT32, "n")
    body = (
        AugmentedAssign(value, "add", Element(FLOAT32, "x", (index,))),
        AugmentedAssign(index, "add", Literal(INT32, 1)),
    )
    return msgspec.structs.replace(
        store(value, extent=extent),
        body=(
            ThreadIndex(("i",)),
            Assign(value, Cast(FLOAT32, Literal(FLOAT32, 0.0))),
            For("n", Extent(INT32, "x", 0), body),
            Assign(element("out"), value),
        ),
    )


@pytest.mark.parametrize(
    ("program", "issue"),
    [
        (REMAINDER, "float-remainder-divisor-gradient"),
        (CHAIN, "comparison-chain-element"),
        (BOTH, "comparison-chain-element"),
        (CONVERSION, "unrolled-index-conversion"),
        (leaving(0, 6, 1, 2, Break()), "loop-exit-gradient"),
        (leaving(0, 18, 1, 2, Break()), "loop-exit-gradient"),
        (argument_changed_by_loop(), "result-overwritten-by-loop-gradient"),
        (argument_changed_in_branch(False), "result-overwritten-by-loop-gradient"),
        (argument_changed_in_branch(True), "result-overwritten-by-loop-gradient"),
        (changed_by_slice(), "component-update-overwrites-value"),
        (changed_by_while(), "result-overwritten-by-loop-gradient"),
        (index_changed(3), "loop-index-reassigned-gradient"),
    ],
    ids=[
        "remainder",
        "chain",
        "both",
        "conversion",
        "exit",
        "exit of a long loop",
        "argument",
        "argument of a branch",
        "argument in a branch",
        "slice",
        "while",
        "index",
    ],
)
def test_a_known_defect_is_explained_alone_and_together_with_another(program: Program, issue: str, sandbox: Sandbox):
    found = Ledger.load().explain(program, failing(program, sandbox), sandbox, WARP)
    assert found is not None
    assert found.id == issue


@pytest.mark.parametrize("value", [X, Literal(FLOAT32, 1.0)], ids=["gradient", "cotangent"])
def test_what_certainly_leaves_before_it_stores_is_known_though_nothing_depends_on_inputs(
    value: Expression, sandbox: Sandbox
):
    loop = For("n", Literal(INT32, -17), (Return(),), Literal(INT32, 0), Literal(INT32, -1))
    program = msgspec.structs.replace(store(value), body=(ThreadIndex(("i",)), loop, Assign(element("out"), value)))
    found = Ledger.load().explain(program, failing(program, sandbox), sandbox, WARP)
    assert found is not None
    assert found.id == "loop-exit-gradient"


def test_a_local_with_the_name_of_a_built_in_is_known(sandbox: Sandbox):
    assert set(NAMES) & set(sandbox.versions.builtins) == BUILT_INS_TOO
    case = decode_case((ROOT / "corpus" / "failures" / "local-named-as-built-in" / "case.json").read_bytes())
    found = Ledger.load().explain(case.program, failing(case.program, sandbox), sandbox, WARP)
    assert found is not None
    assert found.id == "local-named-as-built-in"


def test_a_second_unknown_defect_is_not_explained_away(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox):
    plant(monkeypatch, "exp")
    given = store(Conditional(FLOAT32, CHAIN.body[1].value.test, apply("exp", X), Y))  # type: ignore[union-attr]
    assert Ledger.load().explain(given, failing(given, sandbox), sandbox, WARP) is None


def test_a_wrong_gradient_of_a_dividend_is_not_the_missing_one_of_a_divisor(tmp_path: Path):
    own = "T& adj_b, T adj_ret){ adj_a += adj_ret; }"
    swapped = Defect("native/builtin.h", re.escape(own), own.replace("adj_a", "adj_b"))
    with sandbox_with(tmp_path, [swapped]) as wrong:
        for program in (REMAINDER, store(apply("mod", X, Literal(FLOAT32, 0.75)))):
            assert Ledger.load().explain(program, failing(program, wrong), wrong, WARP) is None


def answering(found: Verdict) -> Verify:
    """Judges every program alike."""
    return lambda programs, seed, like: [found] * len(programs)


def test_a_number_that_is_negated_wrongly_is_not_laid_to_the_sign_of_zeros(tmp_path: Path):
    own = "neg(const T& x) { return T(0.0) - x; }"
    off = Defect("native/builtin.h", re.escape(own), own.replace("- x", "- x * T(1.25)"))
    program = store(apply("neg", X))
    with sandbox_with(tmp_path, [off]) as wrong:
        verdict = failing(program, wrong)
        assert verdict.failure is not None
        assert verdict.failure.expected != 0
        assert Ledger.load().explain(program, verdict, wrong, WARP) is None


def test_a_rewritten_program_is_judged_on_the_inputs_that_failed(sandbox: Sandbox):
    verdict, asked = failing(REMAINDER, sandbox), []

    def verify(programs: Sequence[Program], seed: int, like: Program) -> list[Verdict]:
        asked.append((programs, seed, like))
        return verify_all(programs, sandbox, seed, like=like)

    assert Ledger.load().explain(REMAINDER, verdict, sandbox, WARP, verify=verify) is not None
    ((other,), seed, like), *_ = asked
    assert (seed, like) == (0, REMAINDER)
    assert other != REMAINDER
    found, own = expect(other, seed, like), expect(REMAINDER)
    for parameter in other.parameters:
        assert np.array_equal(found.inputs[parameter.name], own.inputs[parameter.name])
        assert np.array_equal(found.special_inputs[parameter.name], own.special_inputs[parameter.name])
    assert {name: start.tolist() for name, start in starts(found).items()} == {
        name: start.tolist() for name, start in starts(own).items()
    }
    renamed = msgspec.structs.replace(
        other, parameters=tuple(msgspec.structs.replace(p, high=p.high / 2) for p in other.parameters)
    )
    assert expect(renamed, seed, like).like is None


def test_a_verified_program_clears_no_array_that_was_not_compared(sandbox: Sandbox):
    verdict = failing(REMAINDER, sandbox)
    assert verdict.failure is not None
    at = (verdict.failure.parameter or "", True)
    zero = "no gradient is told from zero"
    found = Verdict(Outcome.VERIFIED, tier=Tier.FORWARD, reason=zero)
    ledger = Ledger.load()
    for compared, cleared in (({}, False), ({at: 0.1}, False), ({at: 1.0}, True)):
        verify = answering(found.because(compared=compared))
        assert (ledger.explain(REMAINDER, verdict, sandbox, WARP, verify=verify) is not None) is cleared


def test_where_too_little_can_be_compared_the_array_that_failed_tells(sandbox: Sandbox):
    """The rewritten program of a known defect may be one of which the whole proves nothing."""
    verdict = failing(REMAINDER, sandbox)
    assert verdict.failure is not None
    assert verdict.failure.gradient
    at = (verdict.failure.parameter or "", True)
    ledger = Ledger.load()

    def explained(compared: dict[tuple[str, bool], float], failed: Verdict = verdict) -> bool:
        found = inconclusive("too few results could be checked").because(compared=compared)
        return ledger.explain(REMAINDER, failed, sandbox, WARP, verify=answering(found)) is not None

    assert verdict.compared[at] > 0.5
    assert explained({at: 0.5, ("another", False): 1.0})
    assert not explained({(at[0], False): 1.0, ("another", True): 1.0})
    assert not explained({})
    # no more is asked than was compared where it failed
    assert not explained({at: 0.4})
    assert explained({at: 0.4}, verdict.because(compared={at: 0.4}))
    assert not explained({at: 0.3}, verdict.because(compared={at: 0.4}))
    assert not explained({}, verdict.because(compared={}))
    # but not so little that the cell that failed may be another
    assert not explained({at: 0.1}, verdict.because(compared={at: 0.1}))


def test_a_process_that_lives_tells_that_a_crash_is_gone_whatever_could_be_compared(sandbox: Sandbox):
    def explained(kind: FailureKind) -> bool:
        died = failed(Failure(kind, "died of SIGILL"))
        unknown = inconclusive("too few results could be checked")
        return Ledger.load().explain(index_changed(3), died, sandbox, WARP, verify=answering(unknown)) is not None

    assert explained(FailureKind.CRASH)
    assert not explained(FailureKind.BACKWARD_MISMATCH)


@pytest.mark.parametrize(
    "left_open",
    [inconclusive("too few gradients could be checked"), Verdict(Outcome.VERIFIED)],
    ids=["as a whole", "of the array that was wrong"],
)
def test_what_the_inputs_of_one_seed_leave_open_those_of_another_settle(sandbox: Sandbox, left_open: Verdict):
    verdict = failing(REMAINDER, sandbox)
    fails_on = {0, 2}

    assert verdict.failure is not None
    compared = {(verdict.failure.parameter or "", True): 1.0}

    def judged(programs: Sequence[Program], seed: int, like: Program) -> list[Verdict]:
        verified = Verdict(Outcome.VERIFIED, compared=compared)
        right = left_open if seed == 0 else verified
        whole = verdict if seed in fails_on else Verdict(Outcome.VERIFIED)
        return [whole if program == REMAINDER else right for program in programs]

    found = Ledger.load().explain(REMAINDER, verdict, sandbox, WARP, verify=judged)
    assert found is not None
    assert found.id == "float-remainder-divisor-gradient"
    # where the program itself does not fail, a rewritten one shows nothing
    fails_on.remove(2)
    assert Ledger.load().explain(REMAINDER, verdict, sandbox, WARP, verify=judged) is None


def test_a_known_defect_is_explained_after_reducing_too(sandbox: Sandbox):
    known = Ledger.load()
    for program, issue in ((REMAINDER, "float-remainder-divisor-gradient"), (CHAIN, "comparison-chain-element")):

        def id_of(candidate: Program, verdict: Verdict) -> str | None:
            found = known.explain(candidate, verdict, sandbox, WARP)
            return None if found is None else found.id

        def keeps(candidate: Program, verdict: Verdict, issue: str = issue) -> bool:
            return id_of(candidate, verdict) == issue

        reduced = reduce(program, failing(program, sandbox), sandbox, keeps=keeps)
        assert id_of(reduced.program, reduced.verdict) == issue


ROOT = Path(__file__).resolve().parents[1]
SCRIPTED = [issue for issue in Ledger.load().issues if not issue.no_case]


@pytest.mark.parametrize("issue", SCRIPTED, ids=lambda issue: issue.id)
def test_the_script_of_an_issue_lies_beside_its_case_which_names_the_issue(issue: KnownIssue):
    script = ROOT / issue.script
    assert script.is_file()
    case = decode_case((script.parent / "case.json").read_bytes())
    check_case(case)
    assert (case.bucket, case.evidence["known"], case.evidence["confirmed"]) == (issue.id, issue.id, True)
    assert script.read_text() in (script.parent / "README.md").read_text()


def test_a_rewrite_that_changes_what_it_made_itself_is_tried_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    def longer(program: Program) -> Program:
        return msgspec.structs.replace(program, name=program.name + "_again")

    monkeypatch.setitem(REWRITES, "longer", longer)
    issue = KnownIssue(
        id="one", title="something", kind=FailureKind.FORWARD_MISMATCH, issue="not reported yet",
        versions=Versions(), rewrite="longer", fixed_when="it works", no_case="it is made up",
    )  # fmt: skip
    plant(monkeypatch, "exp")
    given = store(apply("exp", X))
    assert Ledger((issue,)).explain(given, failing(given, sandbox), sandbox, WARP) is None


def test_the_page_of_findings_has_a_row_for_each_issue():
    issues = Ledger.load().issues
    rows = [line for line in page(Ledger.load()).splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(issues)
    for issue, row in zip(issues, rows, strict=True):
        assert (issue.script or issue.no_case) in row
        assert row.count(" | ") == 4
