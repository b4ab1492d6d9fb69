"""The built-ins of the installed Warp, overload by overload, and which of them the op table and programs use.

Warp has no public list of its built-ins: its own is read here, and for their groups by the worker
(`harness/worker/parent.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.sandbox import SandboxError
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Component,
    Construct,
    Node,
    Program,
    ThreadIndex,
    TileStore,
    Unpack,
    Zeros,
    walk,
)
from strategies.language.spellings import spelled
from strategies.language.tiles import (
    FACTORS,
    FILLED,
    LOADS,
    MOVES,
    OPERATORS,
    PLACES,
    SCANS,
    SORT,
    STORES,
    accumulates,
    is_tiled,
    named_shape,
    sorts,
)
from strategies.language.types import Array, Composite, Matrix, Quaternion, Scalar, Tile, Transform, Type, Vector
from strategies.ops import ATOMICS, ITEMS, OPS, ROWS, instances

_READ: Final = """\
import importlib, json
import warp
try:
    context = importlib.import_module("warp._src.context")
except ImportError:
    context = importlib.import_module("warp.context")

def said(of):
    form = getattr(of, "_wp_generic_type_str_", None)
    if form:
        scalar = of._wp_scalar_type_
        return [form, getattr(scalar, "__name__", str(scalar)), list(of._shape_)]
    name = getattr(of, "__name__", type(of).__name__)
    return [type(of).__name__ if type(of).__name__.endswith("array") else name, "", []]

table = []
for name, function in context.builtin_functions.items():
    for overload in getattr(function, "overloads", None) or [function]:
        if not overload.hidden:
            kinds = [[key, said(of)] for key, of in overload.input_types.items()]
            table.append([name, overload.group, kinds, bool(overload.is_differentiable)])
print(json.dumps({"version": warp.__version__, "table": table}))
"""
#: Arguments that say what to make and are no values.
_KEYWORDS: Final = frozenset(("dtype", "length", "shape", "n"))
#: What arguments of built-ins on tiles are called that say how, and where: no values either.
_MANNERS: Final = frozenset(("str", "bool", "tuple", "Callable"))
_TILES: Final = "Tile Primitives"
_FORMS: Final = {"vec_t": Vector, "mat_t": Matrix, "quat_t": Quaternion, "transform_t": Transform}
#: What a call sets instead of an assignment, by its name: a part of a transformation.
_SETTERS: Final[dict[str, Composite]] = {
    "transform_set_translation": types.vector(3, types.FLOAT32),
    "transform_set_rotation": types.quaternion(types.FLOAT32),
}
_NAMES: Final = {"int": "int32", "float": "float32", "uint": "uint32"}


@dataclass(frozen=True)
class Kind:
    """What an overload takes for one argument: the name of a type or of a class of them, or a form of numbers."""

    name: str
    scalar: str
    shape: tuple[int, ...]

    def takes(self, of: Type) -> bool:
        """Whether a value of type `of` fits; a size of zero stands for any."""
        if self.name == "Any":
            return True
        if self.name == "array":
            return isinstance(of, Array)
        if self.name == "tile":
            return isinstance(of, Tile)
        if self.name in _FORMS:
            if type(of) is not _FORMS[self.name] or not _is_scalar(self.scalar, types.element_scalar(of)):
                return False
            assert isinstance(of, Composite)
            return all(wanted in (0, given) for wanted, given in zip(self.shape, of.shape, strict=False))
        return isinstance(of, Scalar) and _is_scalar(self.name, of)

    def __str__(self) -> str:
        sizes = "".join(str(n) if n else "n" for n in self.shape)
        form = {"vec_t": f"vec{sizes}", "mat_t": f"mat{sizes}", "quat_t": "quat", "transform_t": "transform"}
        return form.get(self.name, self.name)


def _is_scalar(name: str, of: Scalar) -> bool:
    match name:
        case "Float":
            return of.is_float
        case "Int":
            return of.is_integer
        case "Scalar" | "Any":
            return of.kind != "bool"
    return _NAMES.get(name, name) == of.notation


@dataclass(frozen=True)
class BuiltIn:
    """One public overload of a built-in."""

    name: str
    group: str
    arguments: tuple[Kind, ...]
    #: whether the one argument stands for any number of its kind
    variadic: bool
    differentiable: bool

    def takes(self, arguments: Sequence[Type]) -> bool:
        """Whether it is what a call with such arguments means."""
        if self.variadic:
            return all(self.arguments[0].takes(of) for of in arguments)
        fits = zip(self.arguments, arguments, strict=False)
        return len(arguments) == len(self.arguments) and all(kind.takes(of) for kind, of in fits)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))}{'…' if self.variadic else ''})"


def read_registry() -> tuple[str, list[BuiltIn]]:
    """The version of the installed Warp, and all public overloads of its built-ins.

    Raises `SandboxError` if there is none.
    """
    done = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise SandboxError(f"the built-ins of Warp cannot be listed: {last[0]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["version"], [_built_in(*entry) for entry in found["table"]]


def _built_in(
    name: str, group: str, kinds: list[tuple[str, tuple[str, str, list[int]]]], differentiable: bool
) -> BuiltIn:
    values = [
        (key, Kind(kind, scalar, tuple(shape)))
        for key, (kind, scalar, shape) in kinds
        if key not in _KEYWORDS and not (group == _TILES and kind in _MANNERS)
    ]
    variadic = any(key.startswith("*") for key, _ in values)
    return BuiltIn(name, group, tuple(kind for _, kind in values), variadic, differentiable)


#: A call of a built-in: its name in the registry, and the types of its arguments.
Use = tuple[str, tuple[Type, ...]]


def table_uses() -> Iterator[Use]:
    """Every call that the op table knows."""
    for row in (*ROWS, *ITEMS):
        for arguments, _ in instances(row):
            yield row.warp_name, (*arguments, *(further.type for further in spelled(row.name)[1]))
    for op, over in ATOMICS.items():
        for name in over:
            of = types.scalar(name)
            for ndim in range(1, 5):
                count = 2 if op == "atomic_cas" else 1
                yield op, (types.array(of, ndim), *(types.INT32,) * ndim, *(of,) * count)
    yield from _constructions()
    yield from _tile_table()
    yield "tid", ()
    yield "zeros", ()
    transform = types.transform(types.FLOAT32)
    yield from ((name, (transform, part)) for name, part in _SETTERS.items())


def _tile_table() -> Iterator[Use]:
    """Every call of a built-in on tiles that a program may have."""
    of, number = types.tile((4,), types.FLOAT32), types.FLOAT32
    for ndim in (1, 2):
        array = types.array(number, ndim)
        yield "tile_load", (array, *_placed(ndim))
        yield from ((op, (array, of, *_placed(ndim))) for op in STORES.values())
    yield from ((op, ()) for op in FILLED)
    yield from (("tile_full", (number,)), ("tile_arange", (types.INT32,)), ("tile_astype", (of,)))
    yield from ((op, (of,)) for op in (*MOVES, *SCANS, *PLACES, "tile_sum", "tile_min", "tile_max", "tile_reduce"))
    yield from ((op, (of, types.INT32)) for op in ("tile_sum", "tile_reduce"))
    yield from (("tile_extract", (of, *(types.INT32,) * n)) for n in range(1, 5))
    yield from (("tile_map", (of,) * n) for n in range(1, 4))
    yield SORT, (types.tile((4,), types.INT32), of)
    yield from (("tile_dot", (of, of)), ("tile_matmul", (of, of, number)), ("neg", (of,)))
    yield from (("tile_load_indexed", (types.array(number), of, types.INT32)), ("tile_diag_add", (of, of)))
    for op in OPERATORS - {"neg"}:
        yield op, (of, of)
        if op in ("mul", "div"):
            yield from ((op, (of, number)), (op, (number, of)))


def _constructions() -> Iterator[Use]:
    from strategies.language.rules import constructions

    for notation in ("vec3", "mat33", "quat", "transform", "vec6"):
        of = types.composite(notation, types.FLOAT32)
        for arguments in constructions(of):
            yield from ((name, arguments) for name in _constructors(of))


def _constructors(of: Composite) -> tuple[str, ...]:
    match of:
        case Matrix():
            return ("matrix",)
        case Quaternion():
            return ("quaternion",)
        case Transform():
            return ("transformation",)
    return ("spatial_vector", "vector") if of.length == 6 and of.dtype.is_float else ("vector",)


def program_uses(program: Program) -> Iterator[Use]:
    """Every call of a built-in or an operator in `program`."""
    for node in walk(program):
        yield from _uses(node)


def _uses(node: Node) -> Iterator[Use]:
    match node:
        case Apply() if is_tiled(node):
            yield from tile_uses(node)
        case Apply():
            further = (behind.type for behind in spelled(node.op)[1])
            yield OPS[node.op].warp_name, (*(a.type for a in node.arguments), *further)
        case AugmentedAssign():
            yield node.operator, (node.target.type, node.value.type)
        case Construct(type=Composite() as of):
            yield from ((name, tuple(a.type for a in node.arguments)) for name in _constructors(of))
        case Atomic():
            element = node.value.type
            assert isinstance(element, Scalar | Composite)
            array, count = types.array(element, len(node.indices)), 2 if node.op == "atomic_cas" else 1
            yield node.op, (array, *(i.type for i in node.indices), *(element,) * count)
        case Assign(target=Component(base=base, type=Composite() as part), called=True):
            yield next(name for name, of in _SETTERS.items() if type(of) is type(part)), (base.type, part)
        case ThreadIndex():
            yield "tid", ()
        case Zeros():
            yield "zeros", ()
        case TileStore():
            array = types.array(types.element_scalar(node.value.type), len(node.offset))
            yield STORES[node.op], (array, node.value.type, *_placed(len(node.offset)))
        case Unpack() if sorts(node):
            yield SORT, tuple(target.type for target in node.targets)
        case Component(base=base) if isinstance(base.type, Tile):
            yield "tile_extract", (base.type, *(types.INT32,) * len(base.type.shape))
        case Call(folds=True):
            yield "tile_reduce", tuple(a.type for a in node.arguments)
        case Call(type=Tile()):
            yield "tile_map", tuple(a.type for a in node.arguments)


def _placed(ndim: int) -> tuple[Type, ...]:
    """A place in an array as an argument: a number along one dimension; tuples are left out."""
    return (types.INT32,) if ndim == 1 else ()


def tile_uses(node: Apply) -> Iterator[Use]:
    """The built-in that an operation on tiles calls, without arguments that are no values."""
    op, given = node.op, tuple(a.type for a in node.arguments)
    if op in LOADS:
        yield "tile_load", (given[0], *_placed(len(given) - 1 - len(named_shape(node))))
    elif op in FILLED:
        yield op, ()
    elif op == "tile_load_indexed":
        yield op, (*given[:2], types.INT32)
    elif op == "tile_arange":
        yield op, (types.INT32,)
    elif op == "tile_matmul":
        number = types.element_scalar(given[0])
        yield op, (*given[:FACTORS], *((given[FACTORS], number, number) if accumulates(node) else (number,)))
    elif op in MOVES:
        yield op, given[:1]
    elif op.startswith("tile_reduce_"):
        yield "tile_reduce", given
    else:
        yield op if op in OPERATORS or op.startswith("tile_") else "tile_map", given


def groups_of(registry: Sequence[BuiltIn]) -> dict[str, str]:
    """The group of Warp's documentation that each name belongs to, by its first overload."""
    found: dict[str, str] = {}
    for built_in in registry:
        found.setdefault(built_in.name, built_in.group)
    return found


def met(registry: Sequence[BuiltIn], uses: Iterator[Use]) -> set[BuiltIn]:
    """The overloads that some of `uses` mean."""
    by_name: dict[str, list[BuiltIn]] = {}
    for built_in in registry:
        by_name.setdefault(built_in.name, []).append(built_in)
    return {b for name, arguments in set(uses) for b in by_name.get(name, ()) if b.takes(arguments)}
