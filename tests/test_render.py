"""The source of a program, and that Python reads it back as it was meant."""

from __future__ import annotations

import ast
from itertools import groupby

import msgspec
import pytest
from trees import DRAWS, SIMPLE, drawn, less, whole

from strategies.categories import CATEGORIES
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.render import INFIX, expression, literal, render, type_name
from strategies.language.spellings import spelled
from strategies.language.types import BOOL, FLOAT32, INT32

OPERATORS: dict[type[ast.AST], str] = {
    ast.BitOr: "bit_or",
    ast.BitXor: "bit_xor",
    ast.BitAnd: "bit_and",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow_operator",
    ast.USub: "neg",
    ast.UAdd: "pos",
    ast.Invert: "invert",
    ast.Not: "unot",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "and",
    ast.Or: "or",
}


def read_back(tree: ast.AST) -> object:
    """The shape of a parsed expression, in the form of `shape`."""
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
            return repr(-value)
        case ast.Constant(value=value):
            return repr(value)
        case ast.Name(id=name):
            return name
        case ast.BinOp(left=left, op=op, right=right):
            return (OPERATORS[type(op)], read_back(left), read_back(right))
        case ast.UnaryOp(op=op, operand=operand):
            return (OPERATORS[type(op)], read_back(operand))
        case ast.BoolOp(op=op, values=values):
            return (OPERATORS[type(op)], *map(read_back, values))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return (tuple(OPERATORS[type(op)] for op in ops), *map(read_back, (left, *comparators)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return ("if", *map(read_back, (test, body, orelse)))
        case ast.Call(func=function, args=arguments, keywords=named):
            given = (("keyword", k.arg, read_back(k.value)) for k in named)
            return ("call", ast.unparse(function), *map(read_back, arguments), *given)
        case ast.Starred(value=value):
            return ("starred", read_back(value))
        case ast.Attribute(value=value, attr=attribute):
            return ("attribute", read_back(value), attribute)
        case ast.Slice(lower=lower, upper=upper, step=step):
            return ("slice", *(None if part is None else read_back(part) for part in (lower, upper, step)))
        case ast.Tuple(elts=parts):
            return ("tuple", *map(read_back, parts))
        case ast.Subscript(value=value, slice=ast.Tuple(elts=parts)):
            return ("index", read_back(value), *map(read_back, parts))
        case ast.Subscript(value=value, slice=part):
            return ("index", read_back(value), read_back(part))
    raise AssertionError(ast.dump(tree))


def cut(node: n.Expression | n.Slice) -> object:
    """The tree of an index of a view."""
    if not isinstance(node, n.Slice):
        return shape(node)
    return ("slice", *(None if part is None else shape(part) for part in (node.start, node.stop, node.step)))


def dotted(name: str) -> object:
    """The tree of an array's name, which may be that of a struct's member."""
    return read_back(ast.parse(name, mode="eval").body)


def typed_as(of: t.Type, like: n.Expression) -> str:
    """How a type is taken from what has it, or is made of such."""
    if like.type is of:
        return f"type({expression(like)})"
    assert isinstance(like.type, t.Array | t.Composite)
    inner = like.type.dtype
    return f"{expression(like)}.dtype" + ("" if inner is of else ".dtype")


def unpacked_from(node: n.Expression) -> tuple[object, int, int] | None:
    """Of an argument that is unpacked: from what, how many numbers that has (0: an array), and which of them it is."""
    match node:
        case n.Component(starred=True, base=base, index=n.Literal(value=at)):
            assert isinstance(base.type, t.Composite)
            return shape(base), base.type.shape[0], int(at)
        case n.Element(starred=True, indices=(n.Literal(value=at),)):
            return dotted(node.array), 0, int(at)
    return None


def arguments(nodes: tuple[n.Expression, ...]) -> list[object]:
    """The trees of a call's arguments: neighbours that are unpacked from one value are one."""
    found: list[object] = []
    places = [(node, unpacked_from(node)) for node in nodes]
    keys = [(place[0], place[1], place[2] - at) if place else at for at, (_, place) in enumerate(places)]
    for _, group in groupby(zip(keys, places, strict=True), key=lambda pair: pair[0]):
        (node, first), *others = [place for _, place in group]
        if first is None:
            found.append(shape(node))
            continue
        base, extent, start = first
        bounds = ("slice", repr(start), repr(start + len(others) + 1), None)
        found.append(("starred", base if len(others) + 1 == extent else ("index", base, bounds)))
    return found


def shape(node: n.Expression) -> object:
    """The tree that the source of an expression must have."""
    match node:
        case n.Literal(like=like) if like is not None:
            return ("call", typed_as(node.type, like), repr(node.value))
        case n.Cast(like=like) if like is not None:
            return ("call", typed_as(node.type, like), shape(node.operand))
        case n.Construct(like=like) if like is not None:
            return ("call", typed_as(node.type, like), *map(shape, node.arguments))
        case n.Literal():
            return read_back(ast.parse(literal(node), mode="eval").body)
        case n.Name(name=name):
            return name
        case n.Apply(op=op, arguments=operands) if op in OPERATORS.values():
            found = (op, *map(shape, operands))
            # minus a positive number, and a negative number, are the same source
            positive = op == "neg" and isinstance(found[1], str) and found[1][0].isdigit()
            return f"-{found[1]}" if positive else found
        case n.Apply(op=op, arguments=given):
            called, behind = spelled(op)
            kind: list[object] = []
            if not given:
                dtype = t.element_scalar(node.type)
                if isinstance(node.type, t.Matrix):
                    kind.append(("keyword", "n", str(node.type.rows)))
                if kind or dtype is not FLOAT32:
                    kind.append(("keyword", "dtype", dotted(type_name(dtype))))
            called = called if called == "len" else f"wp.{called}"
            numbers = (read_back(ast.parse(further.text, mode="eval").body) for further in behind)
            return ("call", called, *arguments(given), *numbers, *kind)
        case n.Constant(name=name):
            return name
        case n.Item(name=name):
            return ("index", name, shape(node.index))
        case n.Static():
            constructor = node.type.notation
            value = shape(node.value)
            bare = constructor in ("float32", "int32")
            return ("call", "wp.static", value if bare else ("call", f"wp.{constructor}", value))
        case n.Compare():
            return (node.operators, *map(shape, node.operands))
        case n.Logical():
            return (node.operator, *map(shape, node.operands))
        case n.Cast():
            constructor = node.type.notation
            pythons = {"bool": "bool"}
            if node.short or isinstance(node.operand, n.Literal):
                pythons |= {"float32": "float", "int32": "int"}
            constructor = pythons.get(constructor, f"wp.{constructor}")
            return ("call", constructor, shape(node.operand))
        case n.Construct(type=t.Tuple()):
            return ("tuple", *map(shape, node.arguments))
        case n.Construct(type=t.Struct() as of):
            return ("call", of.name, *map(shape, node.arguments))
        case n.Call(keywords=names):
            called = node.through or node.function.split("__")[0]
            called = f"wp.grad({called})" if node.derivative else called
            first = len(node.arguments) - len(names)
            named = zip(names, map(shape, node.arguments[first:]), strict=True)
            functions = [name.split("__")[0] for name in node.given]
            plain = arguments(node.arguments[:first])
            return ("call", called, *functions, *plain, *(("keyword", *pair) for pair in named))
        case n.Field():
            return ("attribute", shape(node.base), node.field)
        case n.Construct():
            halves = [part for part in node.arguments if isinstance(part.type, t.Vector)]
            called = "wp.spatial_vector" if halves and isinstance(node.type, t.Vector) else type_name(node.type)
            return ("call", called, *arguments(node.arguments))
        case n.Component(attribute=True, index=n.Literal(value=value)):
            names = "pq" if isinstance(node.base.type, t.Transform) else "xyzw"
            return ("attribute", shape(node.base), names[int(value)])
        case n.Component(column=column) if column is not None:
            return ("index", shape(node.base), shape(node.index), shape(column))
        case n.Component():
            return ("index", shape(node.base), shape(node.index))
        case n.Element(brackets=True):
            found = dotted(node.array)
            for index in node.indices:
                found = ("index", found, shape(index))
            return found
        case n.Element():
            return ("index", dotted(node.array), *map(shape, node.indices))
        case n.Zeros(type=t.Array() as of):
            extents: object = ("tuple", *map(str, node.shape))
            if not node.placed:
                extents = ("keyword", "shape", extents)
            elif len(node.shape) == 1:
                extents = str(node.shape[0])
            return ("call", "wp.zeros", extents, ("keyword", "dtype", dotted(type_name(of.dtype))))
        case n.Part(column=column):
            return ("index", shape(node.base), *(cut(part) for part in (node.index, column) if part is not None))
        case n.View():
            parts = map(cut, node.indices)
            return ("index", node.array, *parts) if node.indices else node.array
        case n.Extent():
            return ("index", ("attribute", dotted(node.array), "shape"), repr(node.axis))
        case n.Conditional():
            return ("if", shape(node.test), shape(node.then), shape(node.otherwise))
    raise AssertionError(node)


@pytest.mark.parametrize("category", [c for c in CATEGORIES if c != "tile"])  # `test_tiles` says how those are written
def test_the_source_of_drawn_expressions_has_their_shape(category: str) -> None:
    expressions = 0
    for found in drawn(category):
        for node in n.walk(found):
            if isinstance(node, n.Expression.__args__):
                assert read_back(ast.parse(expression(node), mode="eval").body) == shape(node), expression(node)
                expressions += 1
    assert expressions > 10 * DRAWS


def test_every_pair_of_operators_is_read_back_as_it_was_written() -> None:
    x, y = n.Name(INT32, "x"), n.Name(INT32, "y")
    inner: list[n.Expression] = [n.Apply(INT32, op, (x, y)) for op in (*INFIX, "pow_operator")]
    inner += [n.Apply(INT32, op, (x,)) for op in ("neg", "pos", "invert", "unot")]
    inner += [whole(-3), less(x, y), n.Logical(BOOL, "or", (x, y)), n.Logical(BOOL, "and", (x, y))]
    inner += [n.Conditional(INT32, x, y, x), n.Component(INT32, x, y), n.Cast(INT32, x)]
    for part in inner:
        outer: list[n.Expression] = [n.Apply(INT32, op, (part, y)) for op in (*INFIX, "pow_operator")]
        outer += [n.Apply(INT32, op, (y, part)) for op in (*INFIX, "pow_operator")]
        outer += [n.Apply(INT32, op, (part,)) for op in ("neg", "pos", "invert", "unot", "sin")]
        outer += [less(part, y), less(y, part), n.Compare(BOOL, ("<", "=="), (x, part, y))]
        outer += [n.Logical(BOOL, op, pair) for op in ("and", "or") for pair in ((part, y), (y, part))]
        outer += [n.Conditional(INT32, part, x, y), n.Conditional(INT32, x, part, y), n.Conditional(INT32, x, y, part)]
        outer += [n.Component(INT32, part, y), n.Component(INT32, part, whole(1), True)]
        for whole_expression in outer:
            text = expression(whole_expression)
            assert read_back(ast.parse(text, mode="eval").body) == shape(whole_expression), text


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_program_prints_as_its_source(category: str) -> None:
    for found in drawn(category):
        source = repr(found)
        assert source == render(found)
        tree = ast.parse(source)
        *_, kernel = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        assert kernel.name == found.name
        assert [a.arg for a in kernel.args.args] == list(
            dict.fromkeys(p.name.partition(".")[0] for p in found.parameters)
        )
        kinds = {n.If: ast.If, n.For: ast.For, n.Break: ast.Break, n.Continue: ast.Continue, n.Return: ast.Return}
        for ours, pythons in kinds.items():
            expected = sum(isinstance(node, ours) for statement in found.body for node in n.walk(statement))
            assert sum(isinstance(node, pythons) for node in ast.walk(kernel)) == expected


def test_another_name_changes_the_first_line_only() -> None:
    ours, other = render(SIMPLE).splitlines(), render(SIMPLE, "other").splitlines()
    assert [line for line in ours if line not in other] == [ours[4]]
    assert render(msgspec.structs.replace(SIMPLE, name="other")).splitlines() == other
