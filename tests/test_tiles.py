"""Tiles: how they are written, what they mean, which are refused, what is checked of them, and how they are reduced."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest
from planted import Defect, beyond_bare, sandbox_with, smallest
from simpler import candidates

from corpus.record import check_names
from harness.launches import job
from harness.oracle.expectation import TRAITS, expect
from harness.registry import program_uses
from harness.reports.launch_text import Shown
from harness.reports.reproduction import repro
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.shrink import reduce
from harness.verdict import FailureKind, Tier, Verdict
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import structure_hash
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Component,
    Constant,
    Element,
    Expression,
    If,
    Literal,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    TileStore,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed
from strategies.language.structs import flattened
from strategies.language.types import FLOAT32, FLOAT64, INT32, Tile
from strategies.ops import result_type

I = Name(INT32, "i")  # noqa: E741
PLANE = t.array(FLOAT32, 2)
BLOCK, LINE, ONE = t.tile((2, 4), FLOAT32), t.tile((4,), FLOAT32), t.tile((1,), FLOAT32)
FLAGS = t.tile((2, 4), INT32)
A, B = Name(PLANE, "a"), Name(PLANE, "b")


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


ROWS = Apply(INT32, "mul", (I, whole(2)))
X = Apply(BLOCK, "tile_load", (A, ROWS, whole(0)))
Y = Apply(BLOCK, "tile_load", (B, ROWS, whole(0)))
#: what X and Y are, in NumPy, and cells of the output below
Arrays = tuple[Any, Any]


def make(op: str, of: Tile, *arguments: Expression) -> Apply:
    return Apply(of, op, arguments)


def kernel(value: Expression, *before: Statement, store: str = "tile_store") -> Program:
    """A kernel of two blocks that stores a tile of two dimensions each, the second below the first."""
    of = value.type
    assert isinstance(of, Tile)
    extents = (2 * of.shape[0], of.shape[1])
    parameters = (
        Parameter("a", PLANE, 0.5, 2.0, (4, 4)),
        Parameter("b", PLANE, 0.5, 2.0, (4, 4)),
        Parameter("out", t.array(of.dtype, 2), 0, 0, extents, output=True),
    )
    place = (Apply(INT32, "mul", (I, whole(of.shape[0]))), whole(0))
    body = (ThreadIndex(("i",)), *before, TileStore(store, "out", place, value))
    return Program("kernel", "tile", (2,), parameters, body, block_dim=32)


def spread(value: Expression) -> Apply:
    return make("tile_broadcast", BLOCK, value)


def shaped(*shape: int) -> Tile:
    return t.tile(shape, FLOAT32)


#: An expression over tiles, its text without loads, and what it is of the block's own rows of both arrays.
MEANINGS: list[tuple[Expression, str, Any]] = [
    (make("add", BLOCK, X, Y), "X + Y", lambda x, y: x + y),
    (make("mul", BLOCK, make("sub", BLOCK, X, Y), Y), "(X - Y) * Y", lambda x, y: (x - y) * y),
    (make("neg", BLOCK, make("div", BLOCK, X, Y)), "-(X / Y)", lambda x, y: -(x / y)),
    (make("mul", BLOCK, number(0.5), X), "0.5 * X", lambda x, y: 0.5 * x),
    (make("div", BLOCK, X, number(4.0)), "X / 4.0", lambda x, y: x / 4),
    (make("max", BLOCK, X, Y), "wp.tile_map(wp.max, X, Y)", lambda x, y: np.maximum(x, y)),
    (make("tile_ones", BLOCK), "wp.tile_ones(shape=(2, 4), dtype=wp.float32)", lambda x, y: np.ones((2, 4))),
    (
        make("tile_full", BLOCK, Element(FLOAT32, "a", (whole(0), whole(0)))),
        "wp.tile_full(shape=(2, 4), value=a[0, 0], dtype=wp.float32)",
        None,
    ),
    (
        spread(make("tile_arange", LINE)),
        "wp.tile_broadcast(wp.tile_arange(4, dtype=wp.float32), shape=(2, 4))",
        lambda x, y: np.tile(np.arange(4.0), (2, 1)),
    ),
    (
        spread(make("tile_sum", ONE, X)),
        "wp.tile_broadcast(wp.tile_sum(X), shape=(2, 4))",
        lambda x, y: np.full((2, 4), x.sum()),
    ),
    (
        spread(make("tile_sum", LINE, X, whole(0))),
        "wp.tile_broadcast(wp.tile_sum(X, axis=0), shape=(2, 4))",
        lambda x, y: np.tile(x.sum(axis=0), (2, 1)),
    ),
    (
        spread(make("tile_reduce_mul", LINE, X, whole(0))),
        "wp.tile_broadcast(wp.tile_reduce(wp.mul, X, axis=0), shape=(2, 4))",
        lambda x, y: np.tile(x.prod(axis=0), (2, 1)),
    ),
    (
        spread(make("tile_max", ONE, X)),
        "wp.tile_broadcast(wp.tile_max(X), shape=(2, 4))",
        lambda x, y: np.full((2, 4), x.max()),
    ),
    (
        spread(make("tile_dot", ONE, X, Y)),
        "wp.tile_broadcast(wp.tile_dot(X, Y), shape=(2, 4))",
        lambda x, y: np.full((2, 4), (x * y).sum()),
    ),
    (make("tile_transpose", shaped(4, 2), X), "wp.tile_transpose(X)", lambda x, y: x.T),
    (make("tile_reshape", shaped(4, 2), X), "wp.tile_reshape(X, shape=(4, 2))", lambda x, y: x.reshape(4, 2)),
    (
        make("tile_view", shaped(1, 3), X, whole(1), whole(1)),
        "wp.tile_view(X, offset=(1, 1), shape=(1, 3))",
        lambda x, y: x[1:, 1:],
    ),
    (
        make("tile_matmul", shaped(2, 2), X, make("tile_transpose", shaped(4, 2), Y)),
        "wp.tile_matmul(X, wp.tile_transpose(Y))",
        lambda x, y: x @ y.T,
    ),
    (
        make("tile_matmul", shaped(2, 2), X, make("tile_transpose", shaped(4, 2), Y), number(0.5)),
        "wp.tile_matmul(X, wp.tile_transpose(Y), alpha=0.5)",
        lambda x, y: 0.5 * x @ y.T,
    ),
    (
        make("tile_view", shaped(1, 3), X, I, whole(1)),
        "wp.tile_view(X, offset=(i, 1), shape=(1, 3))",
        None,
    ),
    (
        make("add", BLOCK, X, make("tile_load_shared", BLOCK, B, ROWS, whole(0))),
        'X + wp.tile_load(b, shape=(2, 4), offset=(i * 2, 0), storage="shared")',
        lambda x, y: x + y,
    ),
    (
        make("mul", BLOCK, X, make("tile_ones", BLOCK, Constant(INT32, "TILE", whole(2)), whole(4))),
        "X * wp.tile_ones(shape=(TILE, 4), dtype=wp.float32)",
        lambda x, y: x,
    ),
    (
        spread(make("tile_scan_exclusive", LINE, make("tile_sum", LINE, X, whole(0)))),
        "wp.tile_broadcast(wp.tile_scan_exclusive(wp.tile_sum(X, axis=0)), shape=(2, 4))",
        lambda x, y: np.tile(np.concatenate(([0.0], np.cumsum(x.sum(axis=0))[:-1])), (2, 1)),
    ),
    (
        make(
            "tile_diag_add",
            shaped(2, 2),
            make("tile_view", shaped(2, 2), X, whole(0), whole(0)),
            make("tile_ones", shaped(2)),
        ),
        "wp.tile_diag_add(wp.tile_view(X, offset=(0, 0), shape=(2, 2)), wp.tile_ones(shape=2, dtype=wp.float32))",
        lambda x, y: x[:, :2] + np.eye(2),
    ),
    (
        make("tile_load_indexed", BLOCK, A, make("tile_arange", t.tile((2,), INT32)), whole(1), whole(0), whole(0)),
        "wp.tile_load_indexed(a, indices=wp.tile_arange(2, dtype=wp.int32), shape=(2, 4), offset=(1, 0), axis=0)",
        None,
    ),
    (
        make("tile_astype", BLOCK, make("bit_or", FLAGS, make("tile_ones", FLAGS), make("tile_full", FLAGS, whole(2)))),
        "wp.tile_astype(wp.tile_ones(shape=(2, 4), dtype=wp.int32)"
        " | wp.tile_full(shape=(2, 4), value=2, dtype=wp.int32), dtype=wp.float32)",
        lambda x, y: np.full((2, 4), 3.0),
    ),
    (
        make("tile_astype", t.tile((2, 4), FLOAT64), X),
        "wp.tile_astype(X, dtype=wp.float64)",
        lambda x, y: x,
    ),
]
IDS = [text for _, text, _ in MEANINGS]


@pytest.mark.parametrize(("node", "text", "meaning"), MEANINGS, ids=IDS)
def test_an_operation_is_written_and_means_what_numpy_makes_of_it(node: Expression, text: str, meaning: Any) -> None:
    program = kernel(node)
    check_program(program, result_type)
    check_names(program)
    assert decode(encode(program)) == program
    loads = {name: f"wp.tile_load({name.lower()}, shape=(2, 4), offset=(i * 2, 0))" for name in "ab"}
    written = text.replace("X", loads["a"]).replace("Y", loads["b"])
    assert f"wp.tile_store(out, {written}, offset=(i" in render(program)
    if meaning is None:
        return
    found = expect(program)
    a, b = (found.inputs[name].astype(float).reshape(4, 4) for name in "ab")
    wanted = np.concatenate([meaning(a[n : n + 2], b[n : n + 2]) for n in (0, 2)])
    np.testing.assert_allclose(found.outputs["out"].expected, wanted.ravel(), rtol=1e-6)


def product(total: Name, *further: Expression) -> Assign:
    """``wp.tile_matmul(X, Y turned, total, ...)``."""
    turned = make("tile_transpose", shaped(4, 2), Y)
    return Assign(total, make("tile_matmul", shaped(2, 2), X, turned, total, *further))


def test_a_product_is_added_to_a_tile_in_place() -> None:
    total = Name(shaped(2, 2), "total")
    program = kernel(total, Assign(total, make("tile_ones", shaped(2, 2))), product(total, number(2.0), number(0.5)))
    check_program(program, result_type)
    assert "\n    wp.tile_matmul(" in render(program)
    assert ", total, alpha=2.0, beta=0.5)" in render(program)
    found = expect(program)
    a, b = (found.inputs[name].astype(float).reshape(4, 4) for name in "ab")
    wanted = np.concatenate([0.5 + 2 * a[n : n + 2] @ b[n : n + 2].T for n in (0, 2)])
    np.testing.assert_allclose(found.outputs["out"].expected, wanted.ravel(), rtol=1e-6)

    start = Assign(total, make("tile_ones", shaped(2, 2)))
    inside = make("add", shaped(2, 2), total, product(total).value)
    for wrong in (kernel(inside, start), kernel(total, start, Assign(Name(shaped(2, 2), "x"), product(total).value))):
        with pytest.raises(IllFormed):
            check_program(wrong, result_type)


def test_a_tile_over_the_end_of_an_array_is_zero_there_and_is_stored_up_to_it() -> None:
    load = make("tile_load_padded", BLOCK, A, ROWS, whole(0))
    ends = make("add", BLOCK, load, make("tile_ones", BLOCK))
    program = kernel(ends, store="tile_store_clipped")
    short = tuple(msgspec.structs.replace(p, shape=(3, 4)) for p in program.parameters)
    program = msgspec.structs.replace(program, parameters=short)
    check_program(program, result_type)
    assert "wp.tile_store(out, wp.tile_load(a, shape=(2, 4), offset=(i * 2, 0)) + " in render(program)
    found = expect(program)
    np.testing.assert_allclose(found.outputs["out"].expected, found.inputs["a"].astype(float) + 1, rtol=1e-6)
    # what is read behind the end is zero
    rest = Assign(Name(ONE, "total"), make("tile_sum", ONE, load))
    summed = kernel(make("tile_broadcast", BLOCK, Name(ONE, "total")), rest, store="tile_store_clipped")
    summed = msgspec.structs.replace(summed, parameters=short)
    found = expect(summed)
    a = found.inputs["a"].astype(float).reshape(3, 4)
    wanted = np.concatenate([np.full(8, a[:2].sum()), np.full(4, a[2].sum())])
    np.testing.assert_allclose(found.outputs["out"].expected, wanted, rtol=1e-6)


def test_new_forms_are_verified(sandbox: Sandbox) -> None:
    total = Name(shaped(2, 2), "total")
    load = make("tile_load_padded", BLOCK, A, ROWS, whole(0))
    short = tuple(msgspec.structs.replace(p, shape=(3, 4)) for p in kernel(X).parameters)
    padded = kernel(make("mul", BLOCK, load, load), store="tile_store_clipped")
    programs = [
        kernel(total, Assign(total, make("tile_zeros", shaped(2, 2))), product(total, number(0.5))),
        msgspec.structs.replace(padded, parameters=short),
        kernel(make("tile_view", shaped(1, 3), X, I, whole(1))),
    ]
    assert {v.tier for v in verify_all(programs, sandbox)} == {Tier.BACKWARD}


def test_every_thread_of_a_block_may_do_what_a_kernel_says() -> None:
    drawn = [p for n in range(120) if (p := draw("tile", 5, n)) is not None]
    # what each thread added by itself would be added as often as there are threads
    assert not any(isinstance(node, Atomic) for p in drawn for node in walk(p))
    single = [p for p in drawn if any(isinstance(s, Assign) and isinstance(s.target, Element) for s in p.body)]
    assert len(single) <= 0.15 * len(drawn)
    assert any(isinstance(s, If) for p in drawn for s in p.body)


def test_what_tiles_cannot_be_is_refused() -> None:
    def refused(value: Expression, why: str, *before: Statement) -> None:
        with pytest.raises(IllFormed, match=why):
            check_program(kernel(value, *before), result_type)

    refused(make("add", BLOCK, X, make("tile_ones", shaped(2, 3))), "'add' does not make")
    refused(make("tile_sum", BLOCK, X), "'tile_sum' does not make")
    refused(make("tile_view", shaped(2, 3), X, whole(0), whole(2)), "'tile_view' does not make")
    refused(make("tile_matmul", shaped(2, 4), X, Y), "'tile_matmul' does not make")
    refused(make("tile_broadcast", shaped(3, 4), X), "'tile_broadcast' does not make")
    tile = Name(BLOCK, "x")
    refused(tile, "two names", Assign(tile, X), Assign(Name(BLOCK, "y"), tile))
    with pytest.raises(IllFormed, match="launched without blocks"):
        check_program(msgspec.structs.replace(kernel(X), block_dim=0), result_type)
    outside = Component(FLOAT32, X, whole(2), column=whole(0))
    with pytest.raises(IllFormed, match="no such number"):
        check_program(kernel(make("tile_full", BLOCK, outside)), result_type)


def test_a_tile_that_is_changed_by_itself_takes_its_old_numbers() -> None:
    x = Name(shaped(2, 2), "x")
    first = make("tile_view", x.type, X, whole(0), whole(0))  # type: ignore[arg-type]
    program = kernel(x, Assign(x, first), Assign(x, make("tile_transpose", x.type, x)), AugmentedAssign(x, "add", x))  # type: ignore[arg-type]
    found = expect(program)
    a = found.inputs["a"].reshape(4, 4)
    wanted = np.concatenate([2 * a[:2, :2].T, 2 * a[2:, :2].T])
    np.testing.assert_array_equal(found.outputs["out"].expected, wanted.ravel())


def test_a_program_without_tiles_has_numbers_alone() -> None:
    flat = flattened(kernel(make("mul", BLOCK, X, Y)))
    assert not flat.block_dim
    assert not any(isinstance(getattr(node, "type", None), Tile) for node in walk(flat))
    stores = [s for s in flat.body if isinstance(s, Assign) and isinstance(s.target, Element)]
    assert len(stores) == 8
    assert structure_hash(kernel(X)) != structure_hash(kernel(Y))


def test_reductions_that_warp_does_not_differentiate_are_a_limit() -> None:
    assert crossed(kernel(spread(make("tile_max", ONE, X))), TRAITS) == (Limit.NOT_DIFFERENTIABLE,)
    assert crossed(kernel(spread(make("tile_sum", ONE, X))), TRAITS) == ()


def test_blocks_are_launched_with_their_threads() -> None:
    program = kernel(X)
    (launch, *_) = job(expect(program), "kernel").launches
    assert (launch.dims, launch.block_dim) == ((2,), 32)
    uses = set(program_uses(program))
    assert ("tile_load", (PLANE,)) in uses
    assert ("tile_store", (PLANE, BLOCK)) in uses


# ---------------------------------------------------------------- a planted defect

#: The gradient of the second of two tiles that are multiplied goes to the first.
SWAPPED = Defect(
    "native/tile.h",
    r"adj_tile_binary_map\(mul, a, b, adj_mul, adj_a, adj_b, adj_c\);",
    "adj_tile_binary_map(mul, b, a, adj_mul, adj_a, adj_b, adj_c);",
)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_with(tmp_path_factory.mktemp("tiles"), [SWAPPED]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def failures(damaged: Sandbox) -> list[tuple[Program, Verdict]]:
    """Programs of the category that a defect of products of tiles makes fail.

    Two tiles that are kept in two ways are of two types in C++: of those, the damaged header does not compile.
    """

    def multiplies(node: Any) -> bool:
        return isinstance(node, Apply) and node.op == "mul" and all(isinstance(a.type, Tile) for a in node.arguments)

    def changes(node: Any) -> bool:
        # the gradient of what is changed in place is wrong without the defect, too
        return isinstance(node, AugmentedAssign) and isinstance(node.target.type, Tile)

    drawn = [p for n in range(60) if (p := draw("tile", 3, n)) is not None and any(map(multiplies, walk(p)))]
    drawn = [p for p in drawn if not any(map(changes, p.body))]
    found = list(zip(drawn, verify_all(drawn[:14], damaged, 3), strict=False))
    return [(p, v) for p, v in found if v.failure is not None and v.failure.kind is not FailureKind.BUILD_ERROR]


def test_a_defect_of_products_of_tiles_is_caught_and_reduced(
    damaged: Sandbox, failures: list[tuple[Program, Verdict]]
) -> None:
    assert len(failures) >= 2
    assert {v.failure.kind for _, v in failures if v.failure is not None} == {FailureKind.BACKWARD_MISMATCH}
    sizes = []
    for program, verdict in smallest(failures, 2):
        reduced = reduce(program, verdict, damaged, seed=3)
        sizes.append(beyond_bare(reduced.program))
        left = [n for n in walk(reduced.program) if isinstance(n, Apply) and isinstance(n.type, Tile)]
        assert [n.op for n in left if n.op not in ("tile_load", "tile_zeros")].count("mul") == 1, render(
            reduced.program
        )
    assert median(sizes) <= 12


def test_tiles_lose_axes_and_numbers() -> None:
    product = make("mul", BLOCK, X, Y)
    view = make("tile_view", shaped(1, 2), product, whole(1), whole(2))
    load = "wp.tile_load({}, shape=2, offset=i * 2)"
    shorter = f"wp.tile_view({load.format('a')} * {load.format('b')}, offset=(1,), shape=(1,))"
    assert any(f"(out, {shorter}, offset=i * 1)" in text for text in map(render, candidates(kernel(view))))
    small = "wp.tile_load(a, shape=(1, 1), offset=(i * 2, 0))"
    assert any(small in text for text in map(render, candidates(kernel(product))))
    # a product of matrices keeps both of its axes
    factors = make("tile_matmul", shaped(2, 2), X, make("tile_transpose", shaped(4, 2), Y))
    products = [text for text in map(render, candidates(kernel(factors))) if "tile_matmul" in text]
    assert products
    assert all("ndim=2" in text for text in products)


def test_a_script_launches_blocks(failures: list[tuple[Program, Verdict]]) -> None:
    program, verdict = failures[0]
    assert verdict.failure is not None
    assert verdict.inputs is not None
    assert verdict.cotangents is not None
    script = repro(Shown(program, verdict.failure, verdict.inputs, verdict.cotangents))
    assert f"block_dim={program.block_dim}" in script
    # on the damaged Warp, which is the first on the path
    assert run_repro(script).fails


def test_a_function_is_mapped() -> None:
    drawn = [p for n in range(60) if (p := draw("tile", 3, n)) is not None]
    mapped = [p for p in drawn if any(isinstance(n, Call) for n in walk(p))]
    assert mapped
    name = mapped[0].functions[0].name
    assert f"wp.tile_map({name}, " in render(mapped[0])
