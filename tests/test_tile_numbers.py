"""Numbers of tiles: read and set at places, found, put into order, joined by functions; what Warp makes of each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.oracle.differences import MAX_DIRECTIONS
from harness.oracle.expectation import TRAITS, expect
from harness.oracle.reference import InvalidProgram
from harness.registry import program_uses
from harness.sandbox import Sandbox
from harness.shrink.validity import well_formed
from harness.verdict import Outcome, Tier
from harness.verify import verify_all
from strategies import draw
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.limits import Limit, crossed
from strategies.language.nodes import (
    Apply,
    Assign,
    Call,
    Cast,
    Component,
    Element,
    Expression,
    For,
    Function,
    Literal,
    Name,
    Parameter,
    Program,
    Return,
    Statement,
    ThreadIndex,
    Unpack,
    decode,
    encode,
    walk,
)
from strategies.language.render import render
from strategies.language.rules import IllFormed, fixed
from strategies.language.tiles import LOADS, sorts
from strategies.language.types import FLOAT32, INT32, Tile
from strategies.ops import result_type

I, K = Name(INT32, "i"), Name(INT32, "k")  # noqa: E741
BLOCK, LINE, ONE = t.tile((2, 3), FLOAT32), t.tile((6,), FLOAT32), t.tile((1,), FLOAT32)
KEYS, PLACE = t.tile((6,), INT32), t.tile((1,), INT32)
X, ROW, PICKED = Name(BLOCK, "x"), Name(LINE, "row"), Name(KEYS, "picked")


def whole(value: int) -> Literal:
    return Literal(INT32, value)


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def at(tile: Expression, index: Expression, column: Expression | None = None) -> Component:
    assert isinstance(tile.type, Tile)
    return Component(tile.type.dtype, tile, index, column=column)


def load(array: str, of: Tile) -> Apply:
    """What the block has of an array, below what the blocks before it have."""
    start = Apply(INT32, "mul", (I, whole(of.shape[0])))
    whole_array = Name(t.array(of.dtype, len(of.shape)), array)
    return Apply(of, "tile_load", (whole_array, start, *(whole(0) for _ in of.shape[1:])))


def kernel(result: Expression, *before: Statement, functions: tuple[Function, ...] = ()) -> Program:
    """A kernel of two blocks, each of which has a tile `x`, a line `row`, keys `picked`, and gives one number."""
    parameters = (
        Parameter("a", t.array(FLOAT32, 2), 0.5, 2.0, (4, 3)),
        Parameter("b", t.array(FLOAT32, 1), -2.0, 2.0, (12,)),
        Parameter("keys", t.array(INT32, 1), -9, 9, (12,), distinct=True),
        Parameter("links", t.array(INT32, 1), 0, 2, (2,)),
        Parameter("out", t.array(result.type, 1), 0, 0, (2,), output=True),  # type: ignore[arg-type]
    )
    loads = (Assign(X, load("a", BLOCK)), Assign(ROW, load("b", LINE)), Assign(PICKED, load("keys", KEYS)))
    store = Assign(Element(result.type, "out", (I,)), result)
    body = (ThreadIndex(("i",)), *loads, *before, store)
    return Program("kernel", "tile", (2,), parameters, body, functions=functions, block_dim=32)


LINK = Element(INT32, "links", (I,))
TOTAL = Name(FLOAT32, "total")
SORTED = Unpack((PICKED, ROW), (Apply(KEYS, "tile_sort__0", (PICKED, ROW)), Apply(LINE, "tile_sort__1", (PICKED, ROW))))
LARGER = Function(
    "larger",
    FLOAT32,
    (Parameter("p", FLOAT32, -9, 9), Parameter("q", FLOAT32, -9, 9)),
    (Return((Apply(FLOAT32, "max", tuple(Apply(FLOAT32, "abs", (Name(FLOAT32, name),)) for name in "pq")),)),),
)


def product(left: Expression, right: Expression) -> Apply:
    return Apply(left.type, "mul", (left, right))


#: A number, what stands before it, the last of which is a line of the text, and what it is of a block's own numbers.
MEANINGS: list[tuple[Expression, tuple[Statement, ...], str, Callable[..., Any]]] = [
    (at(X, whole(0), whole(1)), (), "out[i] = x[0, 1]", lambda x, row, keys, link: x[0, 1]),
    (at(ROW, whole(-1)), (), "out[i] = row[-1]", lambda x, row, keys, link: row[-1]),
    (product(at(X, whole(1), LINK), at(ROW, LINK)), (), "x[1, links[i]] * row[links[i]]",
     lambda x, row, keys, link: x[1, link] * row[link]),
    (TOTAL, (
        Assign(TOTAL, Cast(FLOAT32, number(0.0))),
        For("k", whole(3), (Assign(TOTAL, Apply(FLOAT32, "add", (TOTAL, product(at(X, whole(0), K), at(ROW, K))))),)),
    ), "total = total + x[0, k] * row[k]", lambda x, row, keys, link: x[0] @ row[:3]),
    (at(Apply(ONE, "tile_dot", (ROW, ROW)), whole(0)), (Assign(at(ROW, whole(-2)), at(X, whole(0), whole(0))),),
     "row[-2] = x[0, 0]", lambda x, row, keys, link: (row**2).sum() - row[4] ** 2 + x[0, 0] ** 2),
    (at(Apply(ONE, "tile_dot", (X, X)), whole(0)), (Assign(at(X, whole(1), LINK), at(ROW, whole(0))),),
     "x[1, links[i]] = row[0]", lambda x, row, keys, link: (x**2).sum() - x[1, link] ** 2 + row[0] ** 2),
    (at(Apply(PLACE, "tile_argmin", (PICKED,)), whole(0)), (), "out[i] = wp.tile_argmin(picked)[0]",
     lambda x, row, keys, link: np.argmin(keys)),
    (at(ROW, at(Apply(PLACE, "tile_argmax", (PICKED,)), whole(0))), (), "row[wp.tile_argmax(picked)[0]]",
     lambda x, row, keys, link: row[np.argmax(keys)]),
    (at(ROW, whole(1)), (SORTED,), "wp.tile_sort(picked, row)", lambda x, row, keys, link: row[np.argsort(keys)][1]),
    (at(PICKED, whole(4)), (SORTED,), "wp.tile_sort(picked, row)", lambda x, row, keys, link: np.sort(keys)[4]),
    (at(Call(ONE, "larger", (ROW,), folds=True), whole(0)), (), "wp.tile_reduce(larger, row)[0]",
     lambda x, row, keys, link: abs(row).max()),
    (at(Call(t.tile((3,), FLOAT32), "larger", (X, whole(0)), folds=True), whole(2)), (),
     "wp.tile_reduce(larger, x, axis=0)[2]", lambda x, row, keys, link: x[:, 2].max()),
]  # fmt: skip


def made(case: tuple[Expression, tuple[Statement, ...], str, Callable[..., Any]]) -> Program:
    result, before, text, _ = case
    return kernel(result, *before, functions=(LARGER,) if "larger" in text else ())


@pytest.mark.parametrize("case", MEANINGS, ids=[text for _, _, text, _ in MEANINGS])
def test_a_number_of_a_tile_is_written_and_means_what_numpy_makes_of_it(case: Any) -> None:
    program = made(case)
    check_program(program, result_type)
    assert well_formed(program)
    assert decode(encode(program)) == program
    assert case[2] in render(program)
    found = expect(program)
    inputs = {name: values.astype(float) for name, values in found.inputs.items()}
    blocks, links = inputs["a"].reshape(2, 2, 3), inputs["links"].astype(int)
    lines, keys = inputs["b"].reshape(2, 6), inputs["keys"].reshape(2, 6)
    wanted = [case[3](blocks[n], lines[n], keys[n], links[n]) for n in range(2)]
    np.testing.assert_allclose(found.outputs["out"].expected, wanted, rtol=1e-6)


def test_warp_gives_the_same(sandbox: Sandbox) -> None:
    found = verify_all(list(map(made, MEANINGS)), sandbox)
    assert [verdict.outcome for verdict in found] == [Outcome.VERIFIED] * len(MEANINGS)
    # the first four are differentiable, and so are what is set and what is read where a key is largest
    assert [verdict.tier for verdict in found[:6]] == [Tier.BACKWARD] * 6
    assert found[7].tier is Tier.BACKWARD


def test_what_numbers_of_tiles_cannot_be_is_refused() -> None:
    def refused(program: Program, why: str) -> None:
        with pytest.raises(IllFormed, match=why):
            check_program(program, result_type)

    refused(kernel(at(X, whole(2), whole(0))), "no such number")
    refused(kernel(at(ROW, whole(-7))), "no such number")
    refused(kernel(at(X, whole(0))), "no such number")
    refused(kernel(at(Apply(PLACE, "tile_argmin", (ROW,)), whole(0))), "'tile_argmin' does not make")
    alone = Assign(ROW, Apply(LINE, "tile_sort__1", (PICKED, ROW)))
    refused(kernel(at(ROW, whole(0)), alone), "stands alone")
    floats = Unpack(
        (ROW, PICKED), (Apply(LINE, "tile_sort__0", (ROW, PICKED)), Apply(KEYS, "tile_sort__1", (ROW, PICKED)))
    )
    refused(kernel(at(ROW, whole(0)), floats), "tile_sort")
    halved = Apply(FLOAT32, "mul", (Name(FLOAT32, "p"), number(0.5)))
    for op, parts in (("sub", (Name(FLOAT32, "p"), Name(FLOAT32, "q"))), ("max", (halved, Name(FLOAT32, "q")))):
        uneven = msgspec.structs.replace(LARGER, body=(Return((Apply(FLOAT32, op, parts),)),))
        fold = Call(ONE, "larger", (ROW,), folds=True)
        refused(kernel(at(fold, whole(0)), functions=(uneven,)), "depends on an order")


ALIKE = Assign(PICKED, Apply(KEYS, "tile_ones", ()))


@pytest.mark.parametrize(
    "program",
    [
        kernel(at(Apply(PLACE, "tile_argmin", (PICKED,)), whole(0)), ALIKE),
        kernel(at(ROW, whole(0)), ALIKE, SORTED),
        kernel(at(ROW, Apply(INT32, "add", (LINK, whole(9))))),
        kernel(at(ROW, whole(0)), Assign(at(ROW, Apply(INT32, "sub", (LINK, whole(9)))), number(1.0))),
    ],
    ids=["smallest of equal numbers", "order of equal numbers", "read outside", "written outside"],
)
def test_what_warp_does_not_define_is_no_program(program: Program) -> None:
    check_program(program, result_type)
    with pytest.raises(InvalidProgram):
        expect(program)


def test_floats_that_are_sorted_or_joined_are_a_limit() -> None:
    assert crossed(made(MEANINGS[8]), TRAITS) == (Limit.NOT_DIFFERENTIABLE,)
    assert crossed(made(MEANINGS[10]), TRAITS) == (Limit.NOT_DIFFERENTIABLE,)
    assert crossed(made(MEANINGS[7]), TRAITS) == ()


def test_numbers_of_tiles_are_uses_of_built_ins() -> None:
    uses = {use for case in MEANINGS for use in program_uses(made(case))}
    assert ("tile_extract", (BLOCK, INT32, INT32)) in uses
    assert {("tile_argmin", (KEYS,)), ("tile_sort", (KEYS, LINE)), ("tile_reduce", (LINE,))} <= uses


def drawn() -> Iterator[Program]:
    return (p for n in range(250) if (p := draw("tile", 3, n)) is not None)


def test_numbers_of_tiles_are_drawn() -> None:
    def is_part(node: Any) -> bool:
        return isinstance(node, Component) and isinstance(node.base.type, Tile)

    def sets(node: Any) -> bool:
        return isinstance(node, Assign) and is_part(node.target)

    def reads_anywhere(node: Any) -> bool:
        if isinstance(node, Apply) and node.op == "tile_view":
            return not all(isinstance(part, Literal) for part in node.arguments[1:])
        return is_part(node) and not isinstance(node.index, Literal)

    def finds(node: Any) -> bool:
        return isinstance(node, Apply) and node.op in ("tile_argmin", "tile_argmax")

    def is_fold(node: Any) -> bool:
        return isinstance(node, Call) and node.folds

    def in_order(node: Any) -> bool:
        return isinstance(node, Unpack) and sorts(node)

    programs = list(drawn())
    for kind, least in ((sets, 25), (reads_anywhere, 40), (finds, 12), (in_order, 12), (is_fold, 6)):
        assert sum(any(map(kind, walk(p))) for p in programs) >= least, kind.__name__


def test_what_a_block_reads_fits_into_the_directions_of_finite_differences() -> None:
    for program in itertools.islice(drawn(), 120):
        loads: list[int] = []
        for outer in program.body:
            trips = 1
            if isinstance(outer, For):
                most = fixed(outer.stop) or program.parameter(outer.stop.name).high  # type: ignore[union-attr]
                trips = len(range(0, int(most), fixed(outer.step or whole(1)) or 1))
            for node in walk(outer):
                of = node.type if isinstance(node, Apply) and node.op in LOADS else None
                if isinstance(of, Tile) and of.dtype.is_float:
                    loads.append(math.prod(of.shape) * int(trips))
        assert sum(loads) <= MAX_DIRECTIONS, repr(program)
