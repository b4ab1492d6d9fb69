"""A program without structs that means the same: a struct is a value, and so no more than its fields.

A variable becomes one variable a field, an array of structs one array a field, what a function returns a tuple.  The
new names hold a dot, so that no name of the program is taken.  The reference, the differences and the analysis of
limits see this program; what Warp builds is the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from strategies.language import types
from strategies.language.indexed import without_indexed
from strategies.language.manners import plain
from strategies.language.nodes import (
    Assign,
    Call,
    Component,
    Conditional,
    Construct,
    Element,
    Expression,
    Extent,
    Field,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Target,
    Unpack,
    rebuild,
    walk,
)
from strategies.language.nodes import root as root
from strategies.language.parts import without_parts
from strategies.language.references import without_references
from strategies.language.remembered import remembered
from strategies.language.rules import require
from strategies.language.tiles import without_tiles
from strategies.language.tuples import without_tuples
from strategies.language.types import Array, Scalar, Struct, StructArray, Type

#: The name of a field of a field, from the outermost: ``inner.mass``.
Path = str
#: The fields of nodes that hold the name of a variable or an array.
_NAMED = ("name", "array")

N = TypeVar("N", bound=Node)


def leaves(of: Struct, prefix: Path = "") -> Iterator[tuple[Path, Type]]:
    """The fields of a struct, those of inner structs instead of them, in order."""
    for name, field in of.fields:
        if isinstance(field, Struct):
            yield from leaves(field, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def struct_types(program: Program) -> tuple[Struct, ...]:
    """The structs that a program uses, each behind those that it is made of."""
    found: dict[Struct, None] = {}

    def add(of: Type) -> None:
        match of:
            case StructArray():
                add(of.dtype)
            case Struct():
                for _, field in of.fields:
                    add(field)
                found[of] = None

    for node in walk(program):
        if isinstance(of := getattr(node, "type", None), Type):
            add(of)
    return tuple(found)


@remembered
def flattened(program: Program) -> Program:
    """`program` without structs, indexed arrays, tiles, slices of values, references, and tuples made or passed, and
    with one way to write everything.

    It is the same object if it has none.
    """
    program = without_tuples(without_parts(without_tiles(without_indexed(plain(program)))))
    return without_references(_Flattening(program).program() if struct_types(program) else program)


def destructured(program: Program) -> Program:
    """`program` without structs and indexed arrays, with names that Python takes; the same object if it has none."""
    flat = flattened(program)
    return program if flat is program else renamed(flat)


def renamed(program: Program) -> Program:
    """`program` with names that Python takes in the place of those with a dot, of no struct or indexed array."""
    kept = {p.name for p in program.structs} | {p.name for p in program.indexed}
    taken = {name for node in walk(program) for f in _NAMED if (name := getattr(node, f, None))}
    new: dict[str, str] = {}
    for name in sorted(name for name in taken if "." in name and name.partition(".")[0] not in kept):
        plain, number = name.replace(".", "_"), 1
        while plain in taken or plain in new.values():
            plain, number = f"{name.replace('.', '_')}_{number}", number + 1
        new[name] = plain
    return with_names(program, new)


def with_names(node: N, new: Mapping[str, str]) -> N:
    """`node`, a program or a part of one, with other names of values and arrays, wherever they stand."""

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        changed = {f: new[v] for f in _NAMED if isinstance(v := getattr(node, f, None), str) and v in new}
        if isinstance(node, Call):
            changed["keywords"] = tuple(new.get(keyword, keyword) for keyword in node.keywords)  # type: ignore[assignment]
        return msgspec.structs.replace(node, **changed) if changed else node

    found: N = change(node)
    return found


class _Flattening:
    def __init__(self, program: Program) -> None:
        self._program = program
        #: the array of the first field of each array of structs, by whose shape that of all is known
        self._firsts = {p.name: _first(p.name, p.type) for p in program.structs if p.ndim}

    def program(self) -> Program:
        return msgspec.structs.replace(
            self._program,
            structs=(),
            functions=tuple(map(self._function, self._program.functions)),
            body=self._block(self._program.body),
        )

    def _function(self, function: Function) -> Function:
        structs = {p.name: p.type.dtype for p in function.parameters if isinstance(p.type, StructArray)}
        outer, self._firsts = self._firsts, {name: _first(name, of) for name, of in structs.items()}
        body = self._block(function.body)
        self._firsts = outer
        return msgspec.structs.replace(
            function,
            type=self._result(function.type),
            parameters=tuple(p for parameter in function.parameters for p in self._parameters(parameter)),
            body=body,
        )

    @staticmethod
    def _result(of: Type) -> Type:
        if not isinstance(of, Struct):
            return of
        items = [field for _, field in leaves(of)]
        return items[0] if len(items) == 1 else types.tuple_of(items)

    @staticmethod
    def _parameters(parameter: Parameter) -> Iterator[Parameter]:
        of = parameter.type
        if not isinstance(of, Struct | StructArray):
            yield parameter
            return
        for path, field in leaves(of if isinstance(of, Struct) else of.dtype):
            flat = _array(field, of.ndim) if isinstance(of, StructArray) else field
            output = parameter.output and isinstance(flat, Array)
            name = f"{parameter.name}.{path}"
            yield msgspec.structs.replace(parameter, name=name, type=flat, output=output)

    # ------------------------------------------------------------ statements

    def _block(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        return tuple(new for statement in body for new in self._statement(statement))

    def _statement(self, node: Statement) -> Iterator[Statement]:
        match node:
            case Assign(target=target, value=value) if isinstance(target.type, Struct):
                yield from self._assign(target, target.type, value)
            case Return(values=values) if any(isinstance(v.type, Struct) for v in values):
                yield Return(tuple(part for value in values for part in self._parts(value)))
            case _:
                yield self._plain(node)

    def _assign(self, target: Target, of: Struct, value: Expression) -> Iterator[Statement]:
        targets = tuple(self._leaf(target, path, field) for path, field in leaves(of))
        if isinstance(value, Call):
            found: Expression = self._call(value)
            if len(targets) == 1:
                yield Assign(targets[0], found)  # type: ignore[arg-type]
            else:
                yield Unpack(targets, (found,))  # type: ignore[arg-type]
            return
        values = tuple(self._parts(value))
        old = {part.name for part in targets if isinstance(part, Name)}
        reads = {part.name for new in values for part in walk(new) if isinstance(part, Name)}
        cells = any(isinstance(part, Element) for part in targets)
        if len(targets) == 1 or isinstance(value, Name | Element) or not (cells or old & reads):
            yield from map(Assign, targets, values)  # type: ignore[arg-type]
        else:
            # the new fields may be made of the old ones
            yield Unpack(targets, values)  # type: ignore[arg-type]

    # ------------------------------------------------------------ expressions

    def _plain(self, node: Node) -> Any:
        """A node that is no struct itself."""
        match node:
            case Field(type=of, base=base, field=field):
                return self._leaf(base, field, of)
            case Extent(array=array) if array in self._firsts:
                return msgspec.structs.replace(node, array=self._firsts[array])
            case Call():
                return self._call(node)
            case _ if hasattr(node, "body"):
                return self._compound(node)
        return rebuild(node, self._plain)

    def _compound(self, node: Node) -> Node:
        """A statement with others in it."""
        fields: dict[str, object] = {}
        for name in node.__struct_fields__:
            value = getattr(node, name)
            if name in ("body", "orelse"):
                fields[name] = self._block(value)
            elif isinstance(value, Node):
                fields[name] = self._plain(value)
        changed: Node = msgspec.structs.replace(node, **fields)
        return changed

    def _call(self, node: Call) -> Call:
        """A call, each struct among its arguments replaced by the fields."""
        plain = len(node.arguments) - len(node.keywords)
        arguments: list[Expression] = []
        keywords: list[str] = []
        for n, argument in enumerate(node.arguments):
            arguments += self._parts(argument)
            if n >= plain:
                name = node.keywords[n - plain]
                of = argument.type.dtype if isinstance(argument.type, StructArray) else argument.type
                keywords += [f"{name}.{path}" for path, _ in leaves(of)] if isinstance(of, Struct) else [name]
        return Call(self._result(node.type), node.function, tuple(arguments), tuple(keywords))

    def _parts(self, node: Expression) -> list[Expression]:
        """The fields of a struct, or of an array of structs; a value of another type as it is."""
        match node.type:
            case Struct() as of:
                return [self._leaf(node, path, field) for path, field in leaves(of)]
            case StructArray(dtype=dtype, ndim=ndim):
                assert isinstance(node, Name)
                return [Name(_array(field, ndim), f"{node.name}.{path}") for path, field in leaves(dtype)]
        return [self._plain(node)]

    def _leaf(self, base: Expression, path: Path, of: Type) -> Expression:
        """The field `path`, of type `of`, of a struct."""
        match base:
            case Name(name=name):
                return Name(of, f"{name}.{path}")
            case Element(array=array, indices=indices):
                return Element(of, f"{array}.{path}", tuple(map(self._plain, indices)))
            case Field(base=outer, field=field):
                return self._leaf(outer, f"{field}.{path}", of)
            case Construct(arguments=()):
                return zero(of)
            case Construct(type=Struct() as struct, arguments=arguments):
                first, _, rest = path.partition(".")
                require(len(arguments) == len(struct.fields), f"{struct.name!r} is made of another number of values")
                argument = arguments[[name for name, _ in struct.fields].index(first)]
                return self._leaf(argument, rest, of) if rest else self._plain(argument)
            case Conditional(test=test, then=then, otherwise=otherwise):
                arms = self._leaf(then, path, of), self._leaf(otherwise, path, of)
                return Conditional(of, self._plain(test), *arms)
            case Call(type=Struct() as struct):
                # no program that is well formed has this; one that is being reduced may, before it is looked at
                found, paths = self._call(base), [name for name, _ in leaves(struct)]
                if len(paths) == 1:
                    return found
                return Component(of, found, Literal(types.INT32, paths.index(path)))
        raise TypeError(f"{base!r} is no struct whose fields can be taken one by one")


def zero(of: Type) -> Expression:
    """What a field holds in a struct that is made of nothing."""
    if not isinstance(of, Scalar):
        return Construct(of, ())
    return Literal(of, False if of.kind == "bool" else 0.0 if of.is_float else 0)


def _first(name: str, of: Type) -> str:
    assert isinstance(of, Struct)
    return f"{name}.{next(leaves(of))[0]}"


def _array(field: Type, ndim: int) -> Array:
    """The array of one field of an array of structs."""
    found = types.parse(f"array{ndim}<{field.notation}>")
    assert isinstance(found, Array)
    return found
