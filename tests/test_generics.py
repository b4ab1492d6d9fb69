"""Generic kernels and functions, their instances, and overloads: written, checked, built, told apart, reduced."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from tiny import AT, apply, literal

from harness.cpp.generated_code import GeneratedCodeError, kernel_text
from harness.oracle.expectation import expect
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import reduce, size
from harness.triage import Ledger
from harness.verdict import Failure, FailureKind, Tier, Verdict, failed, inconclusive
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.generics import apart, concrete, is_generic
from strategies.language.hashing import outline_hash, structure_hash
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Component,
    Element,
    For,
    Function,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    ThreadIndex,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, INT32, Scalar, Type
from strategies.language.unrolling import is_dynamic
from strategies.language.widen import widened
from strategies.ops import result_type


def half(of: Scalar, like: str = "x") -> Literal:
    return Literal(of, 0.5, like=Name(of, like))


def halving(name: str, of: Scalar, generic: str | None = "any") -> Function:
    """``def halve(x: Any): return x * type(x)(0.5)``."""
    value = apply("mul", Name(of, "x"), half(of) if generic else literal(of, 0.5))
    return Function(name, of, (Parameter("x", of, -4.0, 4.0, generic=generic),), (Return((value,)),))


def doubling(name: str, length: int) -> Function:
    of = t.vector(length, FLOAT32)
    first = Component(FLOAT32, Name(of, "x"), literal(t.INT32, 0))
    value = apply("add", Literal(FLOAT32, 2.0, like=Name(of, "x")), Literal(FLOAT32, 1.0, like=first))
    dot = Apply(FLOAT32, "dot", (Name(of, "x"), Name(of, "x")))
    body = (Return((apply("mul", dot, value),)),)
    return Function(name, FLOAT32, (Parameter("x", of, -2.0, 2.0, generic="float"),), body)


def called(function: Function, argument: object) -> Call:
    return Call(function.type, function.name, (argument,))  # type: ignore[arg-type]


def kernel(of: Scalar, functions: Sequence[Function] = (), overloads: Sequence[Type] = ()) -> Program:
    """A kernel over `a` and `out` of type `of`, and `b` of another, generic if it has overloads."""
    how = "any" if overloads else None
    other = FLOAT64 if of is FLOAT32 else FLOAT32
    a, b = Element(of, "a", (AT,)), Element(other, "b", (AT,))
    total = Name(of, "total")
    parameters = (
        Parameter("a", t.array(of), 0.5, 2.0, (6,), generic=how),
        Parameter("b", t.array(other), 0.5, 2.0, (6,)),
        Parameter("out", t.array(of), 0.0, 0.0, (6,), True, generic=how),
    )
    like = Name(parameters[0].type, "a") if overloads else None
    body = [Assign(total, Literal(of, 2.0, like=like))]
    for function in functions:
        argument = b if function.parameters[0].type is other else a
        value = called(function, argument)
        if value.type is not of:
            value = Cast(of, value, like=a if overloads else None)  # type: ignore[assignment]
        body.append(AugmentedAssign(total, "add", value))  # type: ignore[arg-type]
    body.append(Assign(Element(of, "out", (AT,)), apply("mul", total, a)))
    return Program(
        "known", "generic", (6,), parameters, (ThreadIndex(("i",)), *body), tuple(functions), overloads=tuple(overloads)
    )


HALVES = (halving("halve__1", FLOAT32), halving("halve__2", FLOAT64))
OVERLOADED = kernel(FLOAT32, [halving("halve__1", FLOAT32, None), halving("halve__2", FLOAT64, None)])
GENERIC = kernel(FLOAT32, HALVES, [FLOAT16, FLOAT32])
DOUBLE = kernel(FLOAT64, [halving("halve", FLOAT64, "float")], [FLOAT32, FLOAT64])


def test_they_are_written_as_a_person_would() -> None:
    source = render(GENERIC)
    assert source.startswith("from typing import Any\n\nimport warp as wp\n")
    assert source.count("@wp.func\ndef halve(x: Any):\n    return x * type(x)(0.5)\n") == 1
    assert "def known(a: wp.array(dtype=Any), b: wp.array(dtype=wp.float64), out: wp.array(dtype=Any)):" in source
    assert "    total = a.dtype(2.0)\n    total += halve(a[i])\n    total += type(a[i])(halve(b[i]))\n" in source
    assert source.endswith(
        '\n\nwp.overload(known, {"a": wp.array(dtype=wp.float16), "out": wp.array(dtype=wp.float16)})\n'
        'wp.overload(known, {"a": wp.array(dtype=wp.float32), "out": wp.array(dtype=wp.float32)})\n'
    )
    source = render(OVERLOADED)
    assert "Any" not in source
    assert "def halve(x: wp.float32):" in source
    assert "def halve(x: wp.float64):" in source
    assert "(x: wp.types.vector(length=Any, dtype=wp.Float)):" in render(kernel(FLOAT32, [doubling("twice", 3)]))


def test_they_survive_json_and_older_programs_read_as_before() -> None:
    for program in (GENERIC, OVERLOADED, DOUBLE):
        assert decode(encode(program)) == program
    assert b"like" not in encode(OVERLOADED)
    assert b'generic":"' not in encode(OVERLOADED)
    assert not is_generic(kernel(FLOAT32))


def test_hashes_tell_generic_code_from_other() -> None:
    kinds = (GENERIC, OVERLOADED, concrete(GENERIC), kernel(FLOAT32, HALVES, [FLOAT32]))
    assert len({structure_hash(p) for p in kinds}) == len({outline_hash(p) for p in kinds}) == len(kinds)


OTHER_BODY = msgspec.structs.replace(HALVES[1], body=(Return((Name(FLOAT64, "x"),)),))
OTHER_TYPE = msgspec.structs.replace(HALVES[0], body=(Return((half(FLOAT64),)),), type=FLOAT64)
PLAIN = halving("halve__1", FLOAT32, None)
BAD = {
    "instances that differ": kernel(FLOAT32, [HALVES[0], OTHER_BODY]),
    "two overloads of one type": kernel(FLOAT32, [PLAIN, msgspec.structs.replace(PLAIN, name="halve__2")]),
    "a generic and an overload": kernel(FLOAT32, [HALVES[0], halving("halve__2", FLOAT64, None)]),
    "a type from another type": kernel(FLOAT32, [OTHER_TYPE]),
    "not instantiated as launched": kernel(FLOAT32, HALVES, [FLOAT16]),
    "an instance with another text": kernel(FLOAT32, [PLAIN], [FLOAT32, FLOAT64]),
    "an instance twice": kernel(FLOAT32, HALVES, [FLOAT32, FLOAT32]),
}


@pytest.mark.parametrize("what", BAD)
def test_what_one_text_cannot_say_is_refused(what: str) -> None:
    for good in (GENERIC, OVERLOADED, DOUBLE):
        check_program(good, result_type)
    with pytest.raises(IllFormed):
        check_program(BAD[what], result_type)


def test_the_same_program_can_be_had_without_them() -> None:
    alone, plain = apart(GENERIC), concrete(GENERIC)
    assert [f.name for f in alone.functions] == ["halve", "halve_1"]
    assert alone.overloads == (FLOAT32,)
    assert "Any" in render(alone)
    assert "Any" not in render(plain)
    assert "type(" not in render(plain)
    assert apart(alone) is alone
    assert concrete(plain) is plain
    wide = widened(GENERIC)
    assert wide.overloads == (FLOAT64,)
    for program in (alone, plain, wide):
        check_program(program, result_type)


def test_they_are_verified_and_the_text_is_that_of_the_instance_that_ran(sandbox: Sandbox) -> None:
    vectors = kernel(FLOAT32, [doubling("twice__1", 3)])
    vector = t.vector(3, FLOAT32)
    made = called(vectors.functions[0], Element(vector, "v", (AT,)))
    vectors = msgspec.structs.replace(
        vectors,
        parameters=(Parameter("v", t.array(vector), -2.0, 2.0, (6,)), vectors.parameters[2]),
        body=(ThreadIndex(("i",)), Assign(Element(FLOAT32, "out", (AT,)), made)),
    )
    check_program(vectors, result_type)
    verdicts = verify_all([GENERIC, OVERLOADED, DOUBLE, widened(GENERIC), vectors], sandbox)
    assert [(v.tier, v.failure) for v in verdicts] == [(Tier.BACKWARD, None)] * 5
    generic, overloaded, double = (v.cpp or "" for v in verdicts[:3])
    assert "wp::float16" not in generic
    assert re.search(r"wp::array_t<wp::float64> var_a\b", double)
    assert not re.search(r"wp::array_t<wp::float32> var_(a|out)\b", double)
    for text in (generic, overloaded):
        assert re.search(r"static wp::float32 halve_\d\(", text)
        assert re.search(r"static wp::float64 halve_\d\(", text)


def summed(name: str, of: t.Scalar, how: str = "any") -> Function:
    """The sum of a vector's numbers, with what suits numbers of any type: a whole number, and the vector's length."""
    vector = Name(t.vector(3, of), "v")
    total, k = Name(of, "total"), Name(INT32, "k")
    last = Apply(INT32, "len", (vector,))
    body = (
        Assign(total, Cast(of, Literal(INT32, 2), like=vector)),
        For("k", last, (AugmentedAssign(total, "add", Component(of, vector, k)),)),
        Return((total,)),
    )
    low, high = (-2.0, 2.0) if of.is_float else (-9, 9)
    return Function(name, of, (Parameter("v", vector.type, low, high, generic=how),), body)


def test_an_instance_for_integers_is_verified_as_one_for_floats(sandbox: Sandbox) -> None:
    kinds = (FLOAT32, t.scalar("int16"))
    functions = tuple(summed(f"sum_up__{n}", of) for n, of in enumerate(kinds, 1))
    assert not is_dynamic(next(n for n in walk(functions[0]) if isinstance(n, For)))
    parameters = [
        *(Parameter(f"x{n}", t.array(t.vector(3, of)), f.parameters[0].low, f.parameters[0].high, (6,))
          for n, (of, f) in enumerate(zip(kinds, functions, strict=True))),
        *(Parameter(f"out{n}", t.array(of), 0, 0, (6,), True) for n, of in enumerate(kinds)),
    ]  # fmt: skip
    stores = [
        Assign(Element(of, f"out{n}", (AT,)), called(functions[n], Element(t.vector(3, of), f"x{n}", (AT,))))
        for n, of in enumerate(kinds)
    ]
    program = Program("sums", "generic", (6,), tuple(parameters), (ThreadIndex(("i",)), *stores), functions)
    check_program(program, result_type)
    source = render(program)
    assert source.count("def sum_up(v: Any):") == 1
    assert "    total = v.dtype(2)\n    for k in range(len(v)):\n" in source
    found = expect(program)
    for n in range(2):
        total = 2 + found.inputs[f"x{n}"].reshape(6, 3).sum(axis=1)
        np.testing.assert_allclose(found.outputs[f"out{n}"].expected.ravel(), total, rtol=1e-6)
    (verdict,) = verify_all([program], sandbox)
    assert (verdict.tier, verdict.failure) == (Tier.BACKWARD, None)


def test_any_float_is_no_integer() -> None:
    functions = tuple(summed(f"sum_up__{n}", of, "float") for n, of in enumerate((FLOAT32, INT32), 1))
    with pytest.raises(IllFormed, match="any float"):
        check_program(msgspec.structs.replace(kernel(FLOAT32), functions=functions), result_type)


def test_instances_that_cannot_be_told_apart_are_not_guessed() -> None:
    forward = "static void known_{0}_cpu_kernel_forward(\n    wp::{1} var_a)\n{{\n}}\n\n"
    entry = "void known_{0}_cpu_forward(\n    int n)\n{{\n}}\n\n"
    both = (("0123456a", "float32"), ("0123456b", "float64"))
    module = "#include <a.h>\n\n" + "".join((forward + entry).format(*one) for one in both)
    assert "float64" in kernel_text(module, "known", arguments={"a": "wp::float64"})
    for arguments in ({}, {"a": "wp::float16"}):
        with pytest.raises(GeneratedCodeError, match="named 'known'"):
            kernel_text(module, "known", arguments=arguments)


def test_a_script_gives_generic_parameters_numbers_of_their_type() -> None:
    gain = Parameter("gain", FLOAT64, 0.5, 2.0, generic="any")
    program = msgspec.structs.replace(DOUBLE, parameters=(gain, *DOUBLE.parameters))
    inputs = {p.name: np.ones(6 if p.shape else 1) for p in program.parameters}
    failure = Failure(FailureKind.FORWARD_MISMATCH, "out[0]", parameter="out", cell=(0,), expected=2.0, actual=1.0)
    script = repro(Shown(program, failure, inputs, {}))
    assert "\nfrom typing import Any\n\nimport numpy as np\nimport warp as wp\n" in script
    assert script.count("import Any") == 1
    assert "gain = wp.float64(1.0)" in script
    assert "wp.launch(known, dim=(6,), inputs=[gain, a, b, out]" in script


KEYWORD = msgspec.structs.replace(
    kernel(FLOAT32, [halving("halve", FLOAT32)]),
    body=(
        ThreadIndex(("i",)),
        Assign(Element(FLOAT32, "out", (AT,)), Call(FLOAT32, "halve", (Element(FLOAT32, "a", (AT,)),), ("x",))),
    ),
)


def test_a_call_that_names_an_argument_of_a_generic_function_is_a_known_issue(sandbox: Sandbox) -> None:
    (verdict,) = verify_all([KEYWORD], sandbox)
    assert verdict.failure is not None
    assert verdict.failure.kind is FailureKind.REJECTED
    known = Ledger.load().explain(KEYWORD, verdict, sandbox, sandbox.versions.warp)
    assert known is not None
    assert known.id == "generic-function-keywords"
    assert REWRITES["give_generic_arguments_by_place"](GENERIC) is GENERIC


def test_a_planted_defect_of_second_instances_is_reduced_to_a_few_lines(sandbox: Sandbox) -> None:
    def defective(program: Program) -> bool:
        """Whether a kernel is generic and has two instances."""
        return len(program.overloads) > 1

    def verify(programs: Sequence[Program]) -> list[Verdict]:
        def failure(program: Program) -> Failure:
            return Failure(FailureKind.FORWARD_MISMATCH, "a cell differs", parameter=program.outputs[0].name)

        return [failed(failure(p)) if defective(p) else inconclusive("it is right") for p in programs]

    given = next(p for i in range(100) if (p := draw("generic", 5, i)) is not None and defective(p))
    found = reduce(given, verify([given])[0], sandbox, verify=verify)
    assert defective(found.program)
    assert size(found.program) <= 6 + 12


@pytest.mark.parametrize(
    ("how", "written", "taken", "refused"),
    [
        ("float", "wp.Float", (FLOAT32, FLOAT64), INT32),
        ("int", "wp.Int", (INT32, t.scalar("int64")), FLOAT32),
        ("scalar", "wp.Scalar", (FLOAT32, INT32), t.BOOL),
    ],
)
def test_what_is_any_float_or_whole_number_takes_those_alone(
    how: str, written: str, taken: Sequence[Scalar], refused: Scalar
) -> None:
    def keeping(of: Scalar, number: int) -> Function:
        return Function(f"keep__{number}", of, (Parameter("x", of, 0, 1, generic=how),), (Return((Name(of, "x"),)),))

    def calling(kinds: Sequence[Scalar]) -> Program:
        functions = [keeping(of, number) for number, of in enumerate(kinds, 1)]
        named = [(f"out{n}", of) for n, of in enumerate(kinds)]
        stores = [
            Assign(Element(of, name, (AT,)), called(f, literal(of, 1)))
            for (name, of), f in zip(named, functions, strict=True)
        ]
        outputs = [Parameter(name, t.array(of), 0, 0, (6,), True) for name, of in named]
        return Program("known", "generic", (6,), tuple(outputs), (ThreadIndex(("i",)), *stores), tuple(functions))

    check_program(calling(taken), result_type)
    assert f"def keep(x: {written}):" in render(calling(taken))
    with pytest.raises(IllFormed, match=f"is any {how}, and has another type"):
        check_program(calling((taken[0], refused)), result_type)
