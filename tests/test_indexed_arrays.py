"""Indexed arrays: what they mean, which are refused, what is checked of them, and how they are reduced."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import msgspec
import numpy as np
import pytest
from planted import Defect, beyond_bare, sandbox_with, smallest

from corpus.record import check_names
from harness.jobs import ArrayArgument
from harness.launches import launches
from harness.oracle.expectation import expect
from harness.oracle.inputs import Flavour, derive
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.rewrites import REWRITES
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.shrink.structs import without_indexed as fewer_indexed
from harness.verdict import FailureKind, Verdict
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import structure_hash
from strategies.language.indexed import all_members
from strategies.language.limits import Limit
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    Call,
    Element,
    Expression,
    Extent,
    Function,
    IndexedParameter,
    Literal,
    Name,
    Options,
    Parameter,
    Program,
    Return,
    Slice,
    ThreadIndex,
    View,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, INT32
from strategies.ops import result_type

I, J = Name(INT32, "i"), Name(INT32, "j")  # noqa: E741
LINE, PLANE = t.array(FLOAT32), t.array(FLOAT32, 2)


def product(left: Expression, right: Expression) -> Apply:
    return Apply(FLOAT32, "mul", (left, right))


def kernel(*body: Assign | Atomic, output: bool = False, distinct: bool = True, last: int = 4) -> Program:
    """A kernel with an indexed array of two dimensions, the first of which is indexed, weights, and an output."""
    parameters = (
        Parameter("x.data", PLANE, 0.5, 2.0, (5, 3), output),
        Parameter("x.index0", t.array(INT32), 0, last, (4,), distinct=distinct),
        Parameter("w", LINE, 0.5, 2.0, (4,)),
        Parameter("out", PLANE, 0, 0, (4, 3), output=not output),
    )
    return Program(
        "kernel", "indexed_array", (4, 3), parameters, (ThreadIndex(("i", "j")), *body),
        indexed=(IndexedParameter("x", (0,)),),
    )  # fmt: skip


READ = kernel(
    Assign(Element(FLOAT32, "out", (I, J)), product(Element(FLOAT32, "x", (I, J)), Element(FLOAT32, "w", (I,))))
)
STORE = kernel(Assign(Element(FLOAT32, "x", (I, J)), Element(FLOAT32, "w", (I,))), output=True)


def test_an_indexed_array_is_one_parameter_of_the_text() -> None:
    source = render(READ)
    assert "x: wp.indexedarray(dtype=wp.float32, ndim=2)," in source
    assert "out[i, j] = x[i, j] * w[i]" in source
    assert "x." not in source
    check_program(READ, result_type)
    check_names(READ)
    assert decode(encode(READ)) == READ
    plain = msgspec.structs.replace(READ, indexed=())
    assert structure_hash(plain) != structure_hash(READ)


def test_an_element_is_that_of_the_data_at_the_place() -> None:
    found = expect(READ)
    data, places = found.inputs["x.data"].reshape(5, 3), found.inputs["x.index0"]
    wanted = data[places] * found.inputs["w"][:, None]
    np.testing.assert_array_equal(found.outputs["out"].expected, wanted.ravel())
    slope = (data[places] * found.cotangents["out"].reshape(4, 3)).sum(axis=1)
    np.testing.assert_allclose(found.gradients["w"].expected, slope, rtol=1e-6)
    assert not flattened(READ).indexed
    extent = kernel(Assign(Element(INT32, "out", (I, J)), Extent(INT32, "x", 0)))
    (node,) = [n for n in walk(flattened(extent)) if isinstance(n, Extent)]
    assert (node.array, node.axis) == ("x.index0", 0)


def test_places_of_what_is_written_are_distinct() -> None:
    check_program(STORE, result_type)
    for seed in range(5):
        for flavour in (Flavour.GENERIC, Flavour.SPECIAL):
            places = derive(STORE, seed, flavour)["x.index0"]
            assert len(set(places.tolist())) == len(places) == 4
    with pytest.raises(IllFormed, match="places may be alike"):
        check_program(kernel(*STORE.body[1:], output=True, distinct=False), result_type)  # type: ignore[arg-type]
    with pytest.raises(IllFormed, match="as many different values"):
        check_program(kernel(*READ.body[1:], last=2), result_type)  # type: ignore[arg-type]


def test_what_an_indexed_array_cannot_do_is_refused() -> None:
    with pytest.raises(IllFormed, match="outside of its data"):
        check_program(kernel(*READ.body[1:], last=5), result_type)  # type: ignore[arg-type]
    row = Assign(Name(PLANE, "row"), View(PLANE, "x", (Slice(),)))
    with pytest.raises(IllFormed, match="has no views"):
        check_program(kernel(row, *READ.body[1:]), result_type)  # type: ignore[arg-type]
    hidden = Assign(Element(FLOAT32, "out", (I, J)), Element(FLOAT32, "x.data", (I, J)))
    with pytest.raises(IllFormed, match=r"no array 'x\.data'"):
        check_program(kernel(hidden), result_type)
    lacking = msgspec.structs.replace(READ, parameters=(READ.parameters[0], *READ.parameters[2:]))
    with pytest.raises(IllFormed, match="lacks its places"):
        check_program(lacking, result_type)


def test_an_indexed_array_is_a_constant_of_the_backward_pass() -> None:
    found = expect(READ)
    assert not found.limits
    assert found.gradients_checked == 1.0
    arguments = dict(zip((p.name for p in READ.parameters), launches(found)["strided"].arguments, strict=True))
    layouts = {n: (a.gradient, a.stride) for n, a in arguments.items() if isinstance(a, ArrayArgument)}
    assert layouts == {"x.data": (False, 2), "x.index0": (False, 1), "w": (True, 2), "out": (True, 2)}
    assert expect(STORE).limits == (Limit.INDEXED_ARRAY,)


def test_extremes_are_taken_of_plain_arrays_instead() -> None:
    rewrite = REWRITES["look_up_indices_for_extremes"]
    assert rewrite(READ) is READ
    extreme = Atomic("atomic_max", "x", (I, J), Literal(FLOAT32, 1.0))
    plain = rewrite(kernel(extreme, output=True))
    check_program(plain, result_type)
    assert "wp.atomic_max(x_data, x_index0[i], j, 1.0)" in render(plain)


def test_an_indexed_array_is_reduced_to_a_plain_one() -> None:
    (plain,) = fewer_indexed(READ)
    check_program(plain, result_type)
    assert "x: wp.array(dtype=wp.float32, ndim=2)" in render(plain)
    assert plain.parameter("x").shape == (4, 3)


def passing(axes: tuple[int, ...]) -> Program:
    """A kernel that passes an indexed array, whose second axis is indexed, to a function."""
    taken = Parameter("a", PLANE, -2.0, 2.0, (4, 3), axes=axes)
    places = (Parameter("n", INT32, 0, 3), Parameter("m", INT32, 0, 2))
    read = Element(FLOAT32, "a", (Name(INT32, "n"), Name(INT32, "m")))
    pick = Function("pick", FLOAT32, (taken, *places), (Return((product(read, read),)),))
    value = Call(FLOAT32, "pick", (Name(PLANE, "x"), I, J))
    return msgspec.structs.replace(
        READ,
        functions=(pick,),
        parameters=(
            Parameter("x.data", PLANE, -2.0, 2.0, (4, 5)),
            Parameter("x.index1", t.array(INT32), 0, 4, (3,)),
            Parameter("out", PLANE, 0.0, 0.0, (4, 3), True),
        ),
        indexed=(IndexedParameter("x", (1,)),),
        launch=(4, 3),
        body=(ThreadIndex(("i", "j")), Assign(Element(FLOAT32, "out", (I, J)), value)),
    )


def test_a_function_takes_an_indexed_array_and_gives_what_it_does_of_data_and_places(sandbox: Sandbox) -> None:
    program = passing((1,))
    check_program(program, result_type)
    check_names(program)
    assert decode(encode(program)) == program
    assert "def pick(a: wp.indexedarray(dtype=wp.float32, ndim=2), n: wp.int32, m: wp.int32):" in render(program)
    plain = REWRITES["pass_data_and_places"](program)
    check_program(plain, result_type)
    assert "pick(x_data, x_index1, i, j)" in render(plain)
    whole, rewritten = expect(program), expect(plain)
    inputs = {name.replace(".", "_"): values for name, values in whole.inputs.items()}
    assert set(inputs) == set(rewritten.inputs)
    refused, verified = verify_all([program, plain], sandbox)
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.BUILD_ERROR
    assert verified.verified
    forward = msgspec.structs.replace(program, options=Options(enable_backward=False))
    (without,) = verify_all([forward], sandbox)
    assert without.verified, without.failure


def test_an_indexed_array_that_is_called_like_what_a_function_takes_keeps_its_parts_apart(sandbox: Sandbox) -> None:
    program = passing((1,))
    parts = (
        Parameter("a.data", t.array(FLOAT32), 0.0, 0.0, (4,), True),
        Parameter("a.index0", t.array(INT32), 0, 3, (4,), distinct=True),
    )
    store = program.body[-1]
    assert isinstance(store, Assign)
    program = msgspec.structs.replace(
        program,
        parameters=(*program.parameters[:2], *parts),
        indexed=(*program.indexed, IndexedParameter("a", (0,))),
        launch=(4,),
        body=(
            ThreadIndex(("i",)),
            Assign(Name(INT32, "j"), Literal(INT32, 1)),
            Assign(Element(FLOAT32, "a", (I,)), store.value),
        ),
    )
    check_program(program, result_type)
    plain = REWRITES["pass_data_and_places"](program)
    check_program(plain, result_type)
    (verdict,) = verify_all([plain], sandbox)
    assert verdict.failure is None


def test_a_function_takes_indexed_arrays_of_its_own_axes_alone() -> None:
    for axes in ((), (0,), (0, 1), (2,)):
        with pytest.raises(IllFormed):
            check_program(passing(axes), result_type)


# ---------------------------------------------------------------- a planted defect

#: An element of an indexed array of one dimension is always the first.
FIRST = Defect(
    "native/array.h",
    r"(?s)(T& index\(const indexedarray_t<T>& iarr, int i\)\n(?:(?!\n}).)*iarr\.indices\[0\]\[)i\]",
    r"\g<1>0]",
)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_with(tmp_path_factory.mktemp("indexed"), [FIRST]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def failures(damaged: Sandbox) -> list[tuple[Program, Verdict]]:
    """Programs of the category that a defect of indexed arrays makes fail."""
    drawn = [p for n in range(24) if (p := draw("indexed_array", 3, n)) is not None]
    lines = [p for p in drawn if any(len(p.parameter(name).shape) == 1 for name in all_members(p) if "data" in name)]
    found = list(zip(lines, verify_all(lines, damaged, 3), strict=True))
    return [(p, v) for p, v in found if v.failure is not None]


def test_a_defect_of_indexed_arrays_is_caught_and_reduced(
    damaged: Sandbox, failures: list[tuple[Program, Verdict]]
) -> None:
    assert len(failures) >= 6
    kinds = {v.failure.kind for _, v in failures if v.failure is not None}
    assert FailureKind.FORWARD_MISMATCH in kinds
    sizes = []
    for program, verdict in smallest(failures, 2):
        reduced = reduce(program, verdict, damaged, seed=3)
        assert reduced.program.indexed
        sizes.append(beyond_bare(reduced.program))
    assert median(sizes) <= 12


def test_a_script_makes_the_indexed_array_of_its_parts(failures: list[tuple[Program, Verdict]]) -> None:
    program, verdict = next((p, v) for p, v in failures if v.failure is not None)
    assert verdict.failure is not None
    assert verdict.inputs is not None
    assert verdict.cotangents is not None
    script = repro(Shown(program, verdict.failure, verdict.inputs, verdict.cotangents))
    (name, *_) = [given.name for given in program.indexed]
    assert f"= wp.indexedarray({name}_data, [" in script
    # on the damaged Warp, which is the first on the path
    assert run_repro(script).fails
