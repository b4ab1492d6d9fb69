"""Tiles: what operations on them give, and a program without tiles that means the same.

A tile is its numbers: a variable of a type like ``tile2x4<float32>`` becomes eight variables, a load eight reads, a map
eight calls.  As with structs, the new names hold a dot, so that no name of the program is taken.  The reference, the
differences and the analysis of limits see that program; what Warp builds is the other one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    For,
    Function,
    If,
    Literal,
    Logical,
    Name,
    Program,
    Return,
    Statement,
    TileStore,
    Unpack,
    rebuild,
    walk,
)
from strategies.language.rules import fixed
from strategies.language.several import called
from strategies.language.types import BOOL, FLOAT32, INT32, Array, Scalar, Tile, Type

#: Operators that take tiles by themselves; any other operation on numbers is mapped over them.
OPERATORS: Final = frozenset(("add", "sub", "mul", "div", "neg", "bit_and", "bit_or", "bit_xor"))
#: Those of them that take a tile and a number.
MIXED: Final = frozenset(("mul", "div"))
#: What makes a tile of nothing but numbers.
FILLED: Final = {"tile_zeros": 0, "tile_ones": 1}
#: What makes one number of all numbers of a tile, or of those along one axis: by which operation.
REDUCTIONS: Final = {
    "tile_sum": "add", "tile_min": "min", "tile_max": "max",
    "tile_reduce_add": "add", "tile_reduce_mul": "mul", "tile_reduce_min": "min", "tile_reduce_max": "max",
}  # fmt: skip
#: Reductions that take an axis.
ALONG_AXES: Final = frozenset(("tile_sum", "tile_reduce_add", "tile_reduce_mul", "tile_reduce_min", "tile_reduce_max"))
#: What makes a tile of the reductions of its first numbers.
SCANS: Final = {
    "tile_scan_inclusive": "add", "tile_scan_exclusive": "add",
    "tile_scan_max_inclusive": "max", "tile_scan_min_inclusive": "min",
}  # fmt: skip
#: The place of the smallest, or the largest, number of a tile, by how another number beats it.
PLACES: Final = {"tile_argmin": "<", "tile_argmax": ">"}
#: The types of numbers that Warp sorts by; of floats, equal ones and NaN would make what comes out unspecified.
SORTED: Final = frozenset(("int32", "uint32", "int64", "uint64"))
#: The types of numbers that Warp has scans of.
SCANNED: Final = frozenset(("float32", "int32", "uint32"))
#: What moves numbers, and computes none.
MOVES: Final = frozenset(("tile_broadcast", "tile_reshape", "tile_squeeze", "tile_transpose", "tile_view"))
#: What changes a tile in place; by other operators an augmented assignment makes another tile.
IN_PLACE: Final = frozenset(("add", "sub", "bit_and", "bit_or", "bit_xor"))
#: What puts two tiles into order in place: in the tree, what is made of the one and of the other.
SORT: Final = "tile_sort"
#: What loads a tile, and how Warp is told where to keep it.  A padded one may reach over the end of its array, where it
#: is zero.
LOADS: Final = {"tile_load": "", "tile_load_shared": "shared", "tile_load_padded": ""}
#: What writes a tile to an array, and what Warp calls it.  Of a clipped one the array takes what is inside of it.
STORES: Final = {"tile_store": "tile_store", "tile_store_clipped": "tile_store", "tile_atomic_add": "tile_atomic_add"}
#: A product of matrices is of so many; what follows them is the tile that it is added to, and by what each is scaled.
FACTORS: Final = 2
#: Operations on floats that Warp documents as not differentiable.
NOT_DIFFERENTIABLE: Final = frozenset((*REDUCTIONS, *SCANS, "tile_diag_add")) - {"tile_sum"}
#: By which a function may join two numbers so that the order of many does not matter: of floats, and of integers.
JOINS: Final = {True: ("min", "max"), False: ("min", "max", "add", "bit_and", "bit_or", "bit_xor")}
#: Numbers that are summed at a time: as many as the products of vectors take that stand for sums.
CHUNK: Final = 4

#: The type of a number that an operation gives, from those of its arguments; None if there is no such operation.
Known = Callable[[str, Sequence[Type]], Type | None]


def is_tiled(node: Apply) -> bool:
    """Whether an operation takes or makes tiles."""
    return isinstance(node.type, Tile) or any(isinstance(a.type, Tile) for a in node.arguments)


def has_tiles(program: Program) -> bool:
    """Whether a program has tiles."""
    return program.block_dim > 0


def fits(node: Apply, known: Known) -> bool:
    """Whether `node`, an operation on tiles, is of the type that it says, and takes such arguments."""
    given, of, op = [a.type for a in node.arguments], node.type, node.op
    tiles = [a for a in given if isinstance(a, Tile)]
    first = tiles[0] if tiles else None
    if op == "tile_extract":
        return first is not None and of is first.dtype and _inside(node.arguments[1:], first.shape)
    if not isinstance(of, Tile):
        return False
    if op in PLACES:
        return len(given) == 1 and first is not None and first.dtype.is_integer and of is types.tile((1,), INT32)
    if op in LOADS:
        array, *offset = given[: len(given) - len(named_shape(node))]
        return _says_shape(node) and isinstance(array, Array) and array.dtype is of.dtype and _offset(offset, array, of)
    if op == "tile_load_indexed":
        return _gathered(node, of)
    if op in FILLED:
        return _says_shape(node) and len(given) == len(named_shape(node))
    if op == "tile_arange":
        return not given and len(of.shape) == 1
    if op == "tile_full":
        return given == [of.dtype]
    if op in REDUCTIONS:
        return first is not None and of is reduced(first, node)
    if op in SCANS:
        return given == [of] and len(of.shape) == 1 and of.dtype.notation in SCANNED
    if op in MOVES or op == "tile_astype":
        return first is not None and _moved(node, first, of)
    if op == "tile_diag_add":
        return len(of.shape) == 2 and given == [of, types.tile(of.shape[:1], of.dtype)] and len(set(of.shape)) == 1
    if op == "tile_matmul":
        return not accumulates(node) and multiplies(node, of)
    if op == "tile_dot":
        return len(tiles) == len(given) == 2 and of is _product(op, *tiles)
    return _mapped(node, of, known)


def accumulates(node: Expression) -> bool:
    """Whether `node` is ``wp.tile_matmul(a, b, total)``, which changes its third argument, and stands alone."""
    if not isinstance(node, Apply) or node.op != "tile_matmul":
        return False
    return len(node.arguments) > FACTORS and isinstance(node.arguments[FACTORS].type, Tile)


def multiplies(node: Apply, of: Tile) -> bool:
    """Whether a product of matrices is of type `of`: of two, times a number; or what it is added to, times another."""
    factors, further = node.arguments[:FACTORS], node.arguments[FACTORS:]
    if accumulates(node):
        if not isinstance(further[0], Name) or further[0].type is not of:
            return False
        further = further[1:]
    elif len(further) > 1:
        return False
    left, right = (factor.type for factor in factors)
    scales = all(isinstance(part, Literal) and part.type is FLOAT32 for part in further)
    if not isinstance(left, Tile) or not isinstance(right, Tile) or len(further) > FACTORS:
        return False
    return scales and of is _product("tile_matmul", left, right)


def named_shape(node: Apply) -> tuple[Expression, ...]:
    """The extents of what is loaded or filled as the last arguments, which say again what the type says, if some of
    them have names: ``shape=(TILE, 4)``."""
    rank = len(node.type.shape) if isinstance(node.type, Tile) else 0
    own = node.arguments[1 + rank :] if node.op in LOADS else node.arguments if node.op in FILLED else ()
    return own if len(own) == rank else ()


def _says_shape(node: Apply) -> bool:
    """Whether extents that are written are those of the type."""
    assert isinstance(node.type, Tile)
    return all(
        part.type is INT32 and fixed(part) == extent
        for part, extent in zip(named_shape(node), node.type.shape, strict=False)
    )


def _gathered(node: Apply, of: Tile) -> bool:
    """Whether a tile is loaded with the places along one axis, the last argument, out of a tile."""
    array, indices, *offset, axis = node.arguments
    if not isinstance(axis, Literal) or not 0 <= axis.value < len(of.shape) or not isinstance(array.type, Array):
        return False
    wanted = types.tile((of.shape[int(axis.value)],), INT32)
    placed = _offset([part.type for part in offset], array.type, of)
    return placed and indices.type is wanted and array.type.dtype is of.dtype


def _offset(offset: Sequence[Type], array: Array, of: Tile) -> bool:
    return len(offset) == array.ndim == len(of.shape) and all(part is INT32 for part in offset)


def _inside(indices: Sequence[Expression], shape: tuple[int, ...]) -> bool:
    return len(indices) == len(shape) and all(
        index.type is INT32 and (not isinstance(index, Literal) or -extent <= index.value < extent)
        for index, extent in zip(indices, shape, strict=True)
    )


def sorts(node: Unpack) -> bool:
    """Whether `node` is ``wp.tile_sort(keys, values)``: both tiles in the order of the keys, whole numbers."""
    found = called(node)
    if found is None or found.name != SORT or len(node.values) != 2 or node.targets != found.arguments:
        return False
    keys, values = found.arguments
    if not isinstance(keys.type, Tile) or not isinstance(values.type, Tile) or keys == values:
        return False
    fitting = keys.type.dtype.notation in SORTED and keys.type.shape == values.type.shape
    return fitting and [value.type for value in node.values] == [keys.type, values.type]


def takes_update(of: Tile, operator: str, value: Type) -> bool:
    """Whether ``t += e`` and the like are of such types; a number is taken by products and quotients alone."""
    if operator in ("bit_and", "bit_or", "bit_xor"):
        return value is of and of.dtype.is_integer
    return operator in IN_PLACE | MIXED and (value is of or (operator in MIXED and value is of.dtype))


def shared_by(value: Expression) -> str | None:
    """The name of the tile whose numbers `value` shares: what only moves numbers need not copy them."""
    while isinstance(value, Apply) and value.op in MOVES:
        value = value.arguments[0]
    return value.name if isinstance(value, Name) else None


def joins(function: Function) -> bool:
    """Whether a function makes one number of many, two at a time, in whatever order: ``wp.max(wp.abs(a), wp.abs(b))``.

    Both numbers go the same way into an operation that is associative and commutative.
    """
    if len(function.parameters) != 2 or len(function.body) != 1 or not isinstance(function.body[0], Return):
        return False
    (given,) = function.body[0].values or (None,)
    if not isinstance(given, Apply) or len(given.arguments) != 2 or not isinstance(given.type, Scalar):
        return False
    one, other = function.parameters
    if {given.type, one.type, other.type} != {given.type} or given.op not in JOINS[given.type.is_float]:
        return False
    for way in ((), ("abs",) if given.op in ("min", "max") else ()):
        parts: list[Expression] = [Name(p.type, p.name) for p in (one, other)]
        for op in way:
            parts = [Apply(part.type, op, (part,)) for part in parts]
        if given.arguments == tuple(parts):
            return True
    return False


def _axis(node: Apply | Call) -> int | None:
    """The axis that a reduction is along; None for all of them."""
    further = node.arguments[1:]
    return int(further[0].value) if further and isinstance(further[0], Literal) else None


def reduced(of: Tile, node: Apply | Call) -> Tile | None:
    """The type of what a tile of type `of` becomes whose numbers, or those along an axis, are made one; None if it has
    no such axis."""
    axis = _axis(node)
    if len(node.arguments) == 1:
        return types.tile((1,), of.dtype)
    refused = isinstance(node, Apply) and node.op not in ALONG_AXES
    if axis is None or refused or not 0 <= axis < len(of.shape) or len(of.shape) == 1:
        return None
    return types.tile(of.shape[:axis] + of.shape[axis + 1 :], of.dtype)


def _moved(node: Apply, first: Tile, of: Tile) -> bool:
    offset = node.arguments[1:]
    if node.op == "tile_view":
        placed = len(offset) == len(first.shape) == len(of.shape) and of.dtype is first.dtype
        return placed and all(
            0 <= at.value <= whole - extent if isinstance(at, Literal) else at.type is INT32
            for at, extent, whole in zip(offset, of.shape, first.shape, strict=True)
        )
    if offset:
        return False
    if node.op == "tile_astype":
        return of.shape == first.shape and of.dtype is not first.dtype
    if of.dtype is not first.dtype:
        return False
    match node.op:
        case "tile_broadcast":
            behind = of.shape[len(of.shape) - len(first.shape) :]
            return len(first.shape) <= len(of.shape) and all(
                own in (1, wanted) for own, wanted in zip(first.shape, behind, strict=True)
            )
        case "tile_reshape":
            return math.prod(of.shape) == math.prod(first.shape)
        case "tile_squeeze":
            return of.shape == tuple(n for n in first.shape if n != 1)
    return len(first.shape) == 2 and of.shape == first.shape[::-1]


def _product(op: str, left: Tile, right: Tile) -> Tile | None:
    if left.dtype is not right.dtype or not left.dtype.is_float:
        return None
    if op == "tile_dot":
        return types.tile((1,), left.dtype) if left is right else None
    if len(left.shape) != 2 or len(right.shape) != 2 or left.shape[1] != right.shape[0]:
        return None
    return types.tile((left.shape[0], right.shape[1]), left.dtype)


def _mapped(node: Apply, of: Tile, known: Known) -> bool:
    given = [a.type for a in node.arguments]
    mixed = node.op in MIXED
    if not any(a is of for a in given) or not all(a is of or (mixed and a is of.dtype) for a in given):
        return False
    return known(node.op, [of.dtype] * len(given)) is of.dtype


# ---------------------------------------------------------------- a program without tiles


def without_tiles(program: Program) -> Program:
    """`program` with numbers in the place of tiles; the same object if it has none."""
    if not has_tiles(program):
        return program
    body = _Lowering().block(program.body)
    return msgspec.structs.replace(program, body=body, block_dim=0)


class _Lowering:
    """Makes statements over numbers of statements over tiles."""

    def __init__(self) -> None:
        #: what has to be computed before the statement at hand
        self._before: list[Statement] = []
        self._numbers = itertools.count()

    def block(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for statement in body:
            outer, self._before = self._before, []
            after = list(self._statement(statement))
            found += [*self._before, *after]
            self._before = outer
        return tuple(found)

    def _statement(self, node: Statement) -> Iterator[Statement]:
        match node:
            case Assign(target=Name(type=Tile() as of, name=name), value=value):
                yield from _assigned(_variables(name, of), self._tile(value))
            case AugmentedAssign(target=Name(type=Tile() as of, name=name), operator=operator, value=value):
                old = _variables(name, of)
                values = [Apply(of.dtype, operator, pair) for pair in zip(old, self._spread(value, of), strict=True)]
                yield from _assigned(old, values)
            case Assign(target=Component(base=Name(type=Tile())) as target, value=value):
                yield from self._set(target, self._number(value))
            case Unpack() if sorts(node):
                yield from self._sorted(node)
            case TileStore():
                yield from self._store(node)
            case If():
                test = self._number(node.test)
                yield If(test, self.block(node.body), self.block(node.orelse))
            case For():
                yield msgspec.structs.replace(node, body=self.block(node.body))
            case _:
                yield rebuild(node, self._number)

    def _store(self, node: TileStore) -> Iterator[Statement]:
        of = node.value.type
        assert isinstance(of, Tile)
        values = self._tile(node.value)
        for at, value in zip(_places(of.shape), values, strict=True):
            indices = tuple(_shifted(self._number(o), n) for o, n in zip(node.offset, at, strict=True))
            stored = Assign(Element(of.dtype, node.array, indices), value)
            if node.op == "tile_store":
                yield stored
            elif node.op == "tile_store_clipped":
                inside = _inside_of(node.array, node.offset, indices)
                yield If(inside, (stored,)) if inside is not None else stored
            else:
                yield Atomic("atomic_add", node.array, indices, value)

    def _set(self, target: Component, value: Expression) -> Iterator[Statement]:
        """One number of a tile given a value; at a place that is not known, each may be the one."""
        of, base = target.base.type, target.base
        assert isinstance(of, Tile)
        assert isinstance(base, Name)
        numbers, at = _variables(base.name, of), self._place(_indices(target), of)
        if isinstance(at, Literal):
            yield Assign(numbers[int(at.value)], value)
            return
        at, value, _ = self._kept((at, value, self._at(numbers, at)))
        for n, number in enumerate(numbers):
            here = Compare(BOOL, ("==",), (at, Literal(INT32, n)))
            yield Assign(number, Apply(of.dtype, "where", (here, value, number)))

    def _sorted(self, node: Unpack) -> Iterator[Statement]:
        """Two tiles in the order of the numbers of the first, by transpositions of neighbours; no two are alike."""
        tiles = [(target, target.type) for target in node.targets if isinstance(target, Name)]
        names = [_variables(target.name, of) for target, of in tiles if isinstance(of, Tile)]
        keys, values = (list[Expression](own) for own in names)
        for turn in range(len(keys)):
            for n in range(turn % 2, len(keys) - 1, 2):
                (ordered,) = self._kept([Compare(BOOL, ("<",), (keys[n], keys[n + 1]))])
                for numbers in (keys, values):
                    pairs = (numbers[n], numbers[n + 1]), (numbers[n + 1], numbers[n])
                    numbers[n : n + 2] = self._kept([Apply(pair[0].type, "where", (ordered, *pair)) for pair in pairs])
        self._apart([Compare(BOOL, ("<",), pair) for pair in itertools.pairwise(keys)])
        yield from _assigned([*names[0], *names[1]], [*keys, *values])

    def _apart(self, truths: Sequence[Expression]) -> None:
        """Say that all of `truths` hold: a program in which one does not reads a component that is not there."""
        for truth in truths:
            broken = Apply(INT32, "where", (truth, Literal(INT32, 0), Literal(INT32, 1)))
            only = Construct(types.vector(1, INT32), (Literal(INT32, 0),))
            self._kept([Component(INT32, only, broken)])

    # ------------------------------------------------------------ numbers

    def _number(self, node: Any) -> Any:
        """An expression that is a number, with numbers of tiles in it by their names."""
        match node:
            case Apply(op="tile_extract", arguments=(base, *indices)):
                return self._one(base, indices)
            case Component(base=base) if isinstance(base.type, Tile):
                return self._one(base, _indices(node))
        return rebuild(node, self._number)

    def _one(self, base: Expression, indices: Sequence[Expression]) -> Expression:
        of = base.type
        assert isinstance(of, Tile)
        at = self._place(indices, of)
        return self._at(self._tile(base), at)

    def _place(self, indices: Sequence[Expression], of: Tile) -> Expression:
        """Where a number stands among all of a tile."""
        place: Expression = Literal(INT32, 0)
        for index, extent in zip(indices, of.shape, strict=True):
            if isinstance(index, Literal):
                index = Literal(INT32, int(index.value) % extent)
            if isinstance(place, Literal):
                place = Literal(INT32, int(place.value) * extent)
            else:
                place = Apply(INT32, "mul", (place, Literal(INT32, extent)))
            place = _sum(place, self._number(index))
        return place

    @staticmethod
    def _at(numbers: Sequence[Expression], at: Expression) -> Expression:
        """The number at a place."""
        if isinstance(at, Literal):
            return numbers[int(at.value)]
        of = numbers[0].type
        assert isinstance(of, Scalar)
        return Component(of, Construct(types.vector(len(numbers), of), tuple(numbers)), at)

    def _kept(self, values: Sequence[Expression]) -> list[Expression]:
        """`values` under names of their own: each is used several times, perhaps."""
        if all(isinstance(value, Name | Literal) for value in values):
            return list(values)
        number = next(self._numbers)
        names = [Name(value.type, f"tile.{number}.{n}") for n, value in enumerate(values)]
        self._before += map(Assign, names, values)
        return [*names]

    def _spread(self, value: Expression, of: Tile) -> list[Expression]:
        """The numbers of a tile; of one number as many as a tile of type `of` has."""
        if isinstance(value.type, Tile):
            return self._tile(value)
        return self._kept([self._number(value)]) * math.prod(of.shape)

    # ------------------------------------------------------------ tiles

    def _tile(self, node: Expression) -> list[Expression]:
        """The numbers of a tile, each a name or a literal."""
        of = node.type
        assert isinstance(of, Tile)
        match node:
            case Name(name=name):
                return [*_variables(name, of)]
            case Call(folds=True):
                return self._kept([self._joined(node, numbers) for numbers in self._groups(node, of)])
            case Call():
                columns = zip(*(self._tile(a) for a in node.arguments), strict=True)
                return self._kept([Call(of.dtype, node.function, tuple(column)) for column in columns])
            case Apply():
                return self._kept(list(self._made(node, of)))
        raise TypeError(f"{node!r} is no tile")

    def _made(self, node: Apply, of: Tile) -> Iterable[Expression]:
        """The numbers of the tile that an operation makes, in order."""
        op = node.op
        if op in LOADS:
            return self._load(node, of)
        if op == "tile_load_indexed":
            return self._gather(node, of)
        if op in FILLED or op == "tile_arange":
            return self._fill(node, of)
        if op == "tile_full":
            return self._spread(node.arguments[0], of)
        if op == "tile_diag_add":
            return self._add_diagonal(node, of)
        if op in REDUCTIONS:
            return self._reduction(node, of)
        if op in PLACES:
            return [self._extreme(op, self._tile(node.arguments[0]))]
        if op in SCANS:
            return self._scan(op, self._tile(node.arguments[0]), of.dtype)
        if op in MOVES or op == "tile_astype":
            return self._move(node, of)
        if op == "tile_dot":
            left, right = map(self._tile, node.arguments)
            return [self._products(left, right, of.dtype)]
        if op == "tile_matmul":
            return self._matmul(node, of)
        return self._each(node, of)

    def _load(self, node: Apply, of: Tile) -> Iterator[Expression]:
        array, *offset = node.arguments[: 1 + len(of.shape)]
        assert isinstance(array, Name)
        starts = [self._number(part) for part in offset]
        for at in _places(of.shape):
            cell = Element(of.dtype, array.name, tuple(map(_shifted, starts, at)))
            inside = _inside_of(array.name, offset, cell.indices) if node.op == "tile_load_padded" else None
            yield Conditional(of.dtype, inside, cell, _zero(of.dtype)) if inside is not None else cell

    @staticmethod
    def _fill(node: Apply, of: Tile) -> Iterator[Expression]:
        for n in range(math.prod(of.shape)):
            value = FILLED.get(node.op, n)
            yield Literal(of.dtype, float(value) if of.dtype.is_float else value)

    def _add_diagonal(self, node: Apply, of: Tile) -> Iterator[Expression]:
        square, diagonal = map(self._tile, node.arguments)
        for n, number in enumerate(square):
            row, column = divmod(n, of.shape[1])
            yield Apply(of.dtype, "add", (number, diagonal[row])) if row == column else number

    def _each(self, node: Apply, of: Tile) -> Iterator[Expression]:
        """An operation on numbers, applied to those that stand in one place."""
        for numbers in zip(*(self._spread(argument, of) for argument in node.arguments), strict=True):
            yield Apply(of.dtype, node.op, numbers)

    def _gather(self, node: Apply, of: Tile) -> Iterator[Expression]:
        array, chosen, *offset, along = node.arguments
        assert isinstance(array, Name)
        assert isinstance(along, Literal)
        axis, starts, picked = int(along.value), [self._number(part) for part in offset], self._tile(chosen)
        for at in _places(of.shape):
            indices = list(map(_shifted, starts, at))
            start, own = starts[axis], picked[at[axis]]
            first = isinstance(start, Literal) and start.value == 0
            indices[axis] = own if first else Apply(INT32, "add", (start, own))
            yield Element(of.dtype, array.name, tuple(indices))

    def _reduction(self, node: Apply, of: Tile) -> Iterator[Expression]:
        for numbers in self._groups(node, of):
            yield self._folded(REDUCTIONS[node.op], numbers, of.dtype)

    def _groups(self, node: Apply | Call, of: Tile) -> Iterator[list[Expression]]:
        """The numbers that make each one of a reduction."""
        source = node.arguments[0]
        assert isinstance(source.type, Tile)
        numbers, axis = self._tile(source), _axis(node)
        if axis is None:
            yield numbers
            return
        groups: dict[tuple[int, ...], list[Expression]] = {}
        for at, number in zip(_places(source.type.shape), numbers, strict=True):
            groups.setdefault(at[:axis] + at[axis + 1 :], []).append(number)
        for at in _places(of.shape):
            yield groups[at]

    def _joined(self, node: Call, numbers: Sequence[Expression]) -> Expression:
        """All numbers joined by a function, for which their order is all the same."""
        found = numbers[0]
        for number in numbers[1:]:
            (found,) = self._kept([Call(number.type, node.function, (found, number))])
        return found

    def _extreme(self, op: str, numbers: Sequence[Expression]) -> Expression:
        """The place of the smallest or largest number, which no other is like."""
        best, at = numbers[0], list[Expression]([Literal(INT32, 0)])
        for n, number in enumerate(numbers[1:], 1):
            (beaten,) = self._kept([Compare(BOOL, (PLACES[op],), (number, best))])
            at = self._kept([Apply(INT32, "where", (beaten, Literal(INT32, n), at[0]))])
            (best,) = self._kept([Apply(number.type, "where", (beaten, number, best))])
        for n, number in enumerate(numbers):
            here = Compare(BOOL, ("==",), (at[0], Literal(INT32, n)))
            self._apart([Logical(BOOL, "or", (here, Compare(BOOL, ("!=",), (number, best))))])
        return at[0]

    def _folded(self, op: str, numbers: Sequence[Expression], dtype: Scalar) -> Expression:
        """All numbers combined; the order of a sum of floats is nobody's to know."""
        if op == "add" and dtype.is_float:
            return self._products(numbers, [Literal(dtype, 1.0)] * len(numbers), dtype)
        found = numbers[0]
        for number in numbers[1:]:
            (found,) = self._kept([Apply(dtype, op, (found, number))])
        return found

    def _products(self, left: Sequence[Expression], right: Sequence[Expression], dtype: Scalar) -> Expression:
        """The sum of products, as products of short vectors, whose rounding the reference has no order for."""
        zero = [Literal(dtype, 0.0)]
        sums: list[Expression] = []
        for first in range(0, len(left), CHUNK):
            parts = [[*side[first : first + CHUNK]] for side in (left, right)]
            parts = [part if len(part) > 1 else [*part, *zero] for part in parts]
            vectors = [Construct(types.vector(len(part), dtype), tuple(part)) for part in parts]
            sums.append(Apply(dtype, "dot", tuple(vectors)))
        if len(sums) == 1:
            return sums[0]
        sums = self._kept(sums)
        return self._products(sums, [Literal(dtype, 1.0)] * len(sums), dtype)

    def _scan(self, op: str, numbers: list[Expression], dtype: Scalar) -> Iterator[Expression]:
        if op == "tile_scan_exclusive":
            yield _zero(dtype)
            numbers = numbers[:-1]
        for last in range(1, len(numbers) + 1):
            yield numbers[0] if last == 1 else self._folded(SCANS[op], numbers[:last], dtype)

    def _matmul(self, node: Apply, of: Tile) -> Iterator[Expression]:
        left, right = map(self._tile, node.arguments[:FACTORS])
        further = node.arguments[FACTORS:]
        before = self._tile(further[0]) if accumulates(node) else []
        scales = [float(part.value) for part in further if isinstance(part, Literal)]
        columns = of.shape[1]
        inner = len(right) // columns
        for n, (row, column) in enumerate(_places(of.shape)):
            found = self._products(left[row * inner : (row + 1) * inner], right[column::columns], of.dtype)
            found = _times(found, scales[:1])
            yield Apply(of.dtype, "add", (found, _times(before[n], scales[1:]))) if before else found

    def _move(self, node: Apply, of: Tile) -> Iterator[Expression]:
        source = node.arguments[0]
        assert isinstance(source.type, Tile)
        numbers, shape = self._tile(source), source.type.shape
        if node.op == "tile_astype":
            yield from (Cast(of.dtype, number) for number in numbers)
            return
        if node.op in ("tile_reshape", "tile_squeeze"):
            yield from numbers
            return
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        if node.op == "tile_view":
            for at in _places(of.shape):
                yield self._at(numbers, self._place(list(map(_shifted, node.arguments[1:], at)), source.type))
            return
        for at in _places(of.shape):
            match node.op:
                case "tile_transpose":
                    place = at[::-1]
                case _:
                    behind = at[len(at) - len(shape) :]
                    place = tuple(0 if extent == 1 else n for n, extent in zip(behind, shape, strict=True))
            yield numbers[sum(n * stride for n, stride in zip(place, strides, strict=True))]


def _places(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The indices of a tile's numbers, in C order."""
    return itertools.product(*map(range, shape))


def _variables(name: str, of: Tile) -> list[Name]:
    """The variables of the numbers of a variable that is a tile."""
    return [Name(of.dtype, f"{name}.{n}") for n in range(math.prod(of.shape))]


def _indices(node: Component) -> tuple[Expression, ...]:
    return (node.index,) if node.column is None else (node.index, node.column)


def _zero(of: Scalar) -> Literal:
    return Literal(of, 0.0 if of.is_float else 0)


def _times(number: Expression, factors: Sequence[float]) -> Expression:
    """`number` times the factor that there may be."""
    of = number.type
    assert isinstance(of, Scalar)
    return Apply(of, "mul", (Literal(of, factors[0]), number)) if factors else number


def _inside_of(array: str, offset: Sequence[Expression], indices: Sequence[Expression]) -> Expression | None:
    """Whether a place lies before the ends of an array; None if its axes all begin at fixed places."""
    tests = [
        Compare(BOOL, ("<",), (index, Extent(INT32, array, axis)))
        for axis, (start, index) in enumerate(zip(offset, indices, strict=True))
        if not isinstance(start, Literal)
    ]
    return Logical(BOOL, "and", tuple(tests)) if len(tests) > 1 else next(iter(tests), None)


def _shifted(start: Expression, by: int) -> Expression:
    """The place `by` behind `start`."""
    return _sum(start, Literal(INT32, by))


def _sum(left: Expression, right: Expression) -> Expression:
    """The sum of two places."""
    if isinstance(right, Literal):
        if right.value == 0:
            return left
        if isinstance(left, Literal):
            return Literal(INT32, int(left.value) + int(right.value))
    return right if isinstance(left, Literal) and left.value == 0 else Apply(INT32, "add", (left, right))


def _assigned(targets: Sequence[Name], values: Sequence[Expression]) -> Iterator[Statement]:
    own = {target.name for target in targets}
    reads = {node.name for value in values for node in walk(value) if isinstance(node, Name)}
    if len(targets) == 1 or not own & reads:
        yield from map(Assign, targets, values)
    else:
        yield Unpack(tuple(targets), tuple(values))
