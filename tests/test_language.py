"""Programs as values: their JSON, what is well formed, what makes two of them the same, their source."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from itertools import groupby
from typing import Any

import msgspec
import pytest

import strategies
from strategies.categories import CATEGORIES
from strategies.language import nodes as n
from strategies.language import types as t
from strategies.language.check import check_program
from strategies.language.hashing import content_hash, defined_names, outline_hash, structure_hash
from strategies.language.render import INFIX, expression, literal, render, type_name, with_name
from strategies.language.rules import IllFormed
from strategies.language.spellings import spelled
from strategies.language.types import BOOL, FLOAT32, FLOAT64, INT32
from strategies.language.widen import widened
from strategies.ops import result_type

DRAWS = 8
AT = n.Name(INT32, "i")
A = n.Element(FLOAT32, "a", (AT,))
OUT = n.Element(FLOAT32, "out", (AT,))
VEC = t.vector(3, FLOAT32)


@cache
def drawn(category: str) -> tuple[n.Program, ...]:
    found = (strategies.draw(category, 11, index) for index in range(DRAWS))
    return tuple(program for program in found if program is not None)


def number(value: float, of: t.Type = FLOAT32) -> n.Literal:
    return n.Literal(of, value)


def whole(value: int) -> n.Literal:
    return n.Literal(INT32, value)


def apply(op: str, *arguments: n.Expression, of: t.Type = FLOAT32) -> n.Apply:
    return n.Apply(of, op, arguments)


def less(left: n.Expression, right: n.Expression) -> n.Compare:
    return n.Compare(BOOL, ("<",), (left, right))


SOURCE = n.Parameter("a", t.array(FLOAT32), -1.0, 1.0, (4,))
TARGET = n.Parameter("out", t.array(FLOAT32), -1.0, 1.0, (4,), True)


def program(*body: n.Statement, **changes: Any) -> n.Program:
    """A kernel over `a` and `out` whose thread index is `i`."""
    fields = {
        "name": "kernel",
        "category": "elementwise",
        "launch": (4,),
        "parameters": (SOURCE, TARGET),
        "body": (n.ThreadIndex(("i",)), *body),
    }
    return n.Program(**(fields | changes))


SIMPLE = program(
    n.Assign(n.Name(FLOAT32, "t"), apply("sin", A)), n.Assign(OUT, apply("mul", n.Name(FLOAT32, "t"), number(2.0)))
)


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_survive_json(category: str) -> None:
    for before in drawn(category):
        text = n.encode(before)
        after = n.decode(text)
        assert after == before
        assert n.encode(after) == text
        assert b"\n" not in text
        assert repr(after) == repr(before)
        assert n.from_builtins(json.loads(text)) == before
        assert n.from_builtins(n.to_builtins(before)) == before


@pytest.mark.parametrize(
    "value",
    [
        n.Literal(t.scalar("uint64"), 2**64 - 1),
        n.Literal(t.scalar("int64"), -(2**63)),
        number(-0.0),
        number(1e-45),
        number(5e-324, FLOAT64),
        n.Literal(BOOL, True),
        whole(1),
        number(1.0),
    ],
    ids=repr,
)
def test_literals_keep_value_and_kind_in_json(value: n.Literal) -> None:
    before = program(n.Assign(n.Name(value.type, "t"), value))
    after = n.decode(n.encode(before)).body[1]
    assert isinstance(after, n.Assign)
    assert isinstance(after.value, n.Literal)
    assert repr(after.value.value) == repr(value.value)
    assert after.value.type is value.type


def test_types_are_the_same_object_after_json() -> None:
    after = n.decode(n.encode(SIMPLE))
    assert after.parameters[0].type is t.array(FLOAT32)
    assert {id(node.type) for node in n.walk(after) if isinstance(node, n.Name)} <= {id(INT32), id(FLOAT32)}


def changed(path: tuple[Any, ...], value: Any) -> bytes:
    """The JSON of a program with one value replaced, or removed if `value` is Ellipsis."""
    plain: Any = json.loads(n.encode(SIMPLE))
    inner = plain
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(plain).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("surprise",), 1),
        (("body", 1, "surprise"), 1),
        (("body", 1, "value", "surprise"), None),
        (("launch",), ...),
        (("parameters",), ...),
        (("body", 1, "value", "op"), ...),
        (("body", 1, "value", "type"), ...),
        (("launch",), "4"),
        (("launch",), ["4"]),
        (("launch",), [4.5]),
        (("launch",), None),
        (("name",), 7),
        (("parameters", 0, "low"), "0"),
        (("parameters", 0, "output"), 1),
        (("node",), "kernel"),
        (("body", 1, "node"), "while"),
        (("body", 1, "node"), "literal"),
        (("body", 1, "target", "node"), "apply"),
        (("body", 2, "value", "arguments", 1, "value"), "2"),
        (("body", 2, "value", "arguments", 1, "value"), None),
        (("body", 2, "value", "arguments", 1, "type"), "float33"),
        (("parameters", 0, "type"), "array5<float32>"),
        (("parameters", 0, "type"), "array1<array1<float32>>"),
        (("parameters", 0, "type"), "vec0<float32>"),
        (("parameters", 0, "type"), "vec3<vec3<float32>>"),
        (("parameters", 0, "type"), "float32 "),
        (("parameters", 0, "type"), ""),
        (("parameters", 0, "type"), 32),
    ],
    ids=repr,
)
def test_damaged_json_is_refused(path: tuple[Any, ...], value: Any) -> None:
    text = changed(path, value)
    with pytest.raises(msgspec.ValidationError):
        n.decode(text)
    with pytest.raises(msgspec.ValidationError):
        n.from_builtins(json.loads(text))


@pytest.mark.parametrize("text", [b"", b"{", b"[]x", n.encode(SIMPLE)[:-1], n.encode(SIMPLE) + b"}"])
def test_torn_json_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        n.decode(text)


def test_integers_without_bound_are_refused_by_the_check() -> None:
    text = changed(("body", 2, "value", "arguments", 1, "value"), 10**30)
    try:
        found = n.decode(text)
    except msgspec.ValidationError:
        return
    check_program(found, result_type)  # as a float32, 1e30 is a value
    text = changed(("launch",), [10**15])
    with pytest.raises(IllFormed):
        check_program(n.decode(text))


# ---------------------------------------------------------------- types


@pytest.mark.parametrize("notation", ["float32", "vec3<float16>", "array2<vec4<int8>>", "array4<bool>", "uint64"])
def test_a_type_is_its_notation(notation: str) -> None:
    found = t.parse(notation)
    assert repr(found) == notation
    assert t.parse(notation) is found


@pytest.mark.parametrize(
    "notation", ["", "float", "int", "vec<float32>", "vec03<int8>", "array0<int8>", "array1<>", "bool "]
)
def test_what_is_no_type_is_refused(notation: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        t.parse(notation)


def test_types_survive_pickling_as_the_same_object() -> None:
    import copy
    import pickle

    assert pickle.loads(pickle.dumps(t.array(VEC, 2))) is t.array(VEC, 2)
    assert copy.deepcopy(VEC) is VEC


# ---------------------------------------------------------------- what is well formed


@pytest.mark.parametrize("category", CATEGORIES)
def test_drawn_programs_are_well_formed(category: str) -> None:
    for found in drawn(category):
        check_program(found, result_type)


V = n.Name(VEC, "v")
T32 = n.Name(FLOAT32, "t")
DEFINE_T = n.Assign(T32, number(1.0))
DEFINE_V = n.Assign(V, n.Construct(VEC, (number(1.0),)))
GOOD = {
    "a constructor without arguments": program(n.Assign(V, n.Construct(VEC, ())), n.Assign(OUT, A)),
    "a component that is assigned": program(DEFINE_V, n.Assign(n.Component(FLOAT32, V, whole(2), True), A)),
    "a variable of both arms": program(n.If(less(A, number(0.0)), (DEFINE_T,), (DEFINE_T,)), n.Assign(OUT, T32)),
    "a break in a branch of a loop": program(n.For("j", whole(3), (n.If(less(A, A), (n.Break(),)),))),
    "a scalar parameter": program(
        n.Assign(OUT, n.Name(FLOAT32, "s")), parameters=(n.Parameter("s", FLOAT32, 0.0, 1.0), TARGET)
    ),
    "the same loop name twice": program(n.For("j", whole(3), ()), n.For("j", whole(3), ())),
}
S = n.Parameter("s", FLOAT32, 0.0, 1.0)
ILL_FORMED = {
    "name is a keyword": program(name="for"),
    "name is reserved": program(name="wp"),
    "name has a blank": program(name="a b"),
    "name is not ASCII": program(name="kernél"),
    "launch without dimensions": program(launch=()),
    "launch of five dimensions": program(launch=(1,) * 5, body=(n.ThreadIndex(tuple("ijklm")),)),
    "empty launch": program(launch=(0,)),
    "negative launch": program(launch=(-2, -2), body=(n.ThreadIndex(("i", "j")),)),
    "huge launch": program(launch=(1 << 17,)),
    "two parameters of one name": program(parameters=(SOURCE, SOURCE, TARGET)),
    "parameter called like a keyword": program(parameters=(msgspec.structs.replace(SOURCE, name="in"), TARGET)),
    "no output": program(parameters=(SOURCE,)),
    "bounds exchanged": program(parameters=(msgspec.structs.replace(SOURCE, low=2.0), TARGET)),
    "bound not a number": program(parameters=(msgspec.structs.replace(SOURCE, low=float("nan")), TARGET)),
    "bound infinite": program(parameters=(msgspec.structs.replace(SOURCE, high=float("inf")), TARGET)),
    "shape of another dimension": program(parameters=(msgspec.structs.replace(SOURCE, shape=(2, 2)), TARGET)),
    "array without shape": program(parameters=(msgspec.structs.replace(SOURCE, shape=()), TARGET)),
    "empty array": program(parameters=(msgspec.structs.replace(SOURCE, shape=(0,)), TARGET)),
    "huge array": program(parameters=(msgspec.structs.replace(SOURCE, shape=(1 << 17,)), TARGET)),
    "scalar with a shape": program(parameters=(msgspec.structs.replace(S, shape=(4,)), TARGET)),
    "scalar as output": program(parameters=(msgspec.structs.replace(S, output=True), TARGET)),
    "empty body": program(body=()),
    "body without thread index": program(body=(n.Return(),)),
    "thread index twice": program(n.ThreadIndex(("j",))),
    "thread index of another dimension": program(launch=(2, 2)),
    "thread index called like a parameter": program(body=(n.ThreadIndex(("a",)),)),
    "thread index twice the same": program(launch=(2, 2), body=(n.ThreadIndex(("i", "i")),)),
    "thread index assigned": program(n.Assign(AT, whole(1))),
    "parameter assigned": program(n.Assign(n.Name(FLOAT32, "s"), number(1.0)), parameters=(S, TARGET)),
    "array as a value": program(n.Assign(n.Name(t.array(FLOAT32), "t"), n.Name(t.array(FLOAT32), "a"))),
    "loop called like a local of another type": program(DEFINE_T, n.For("t", whole(3), ()), n.Assign(OUT, T32)),
    "loop called like the thread index": program(n.For("i", whole(3), ())),
    "loop name read after a loop that may not run": program(
        n.For("j", n.Extent(INT32, "a", 0), ()), n.Assign(n.Name(INT32, "t"), n.Name(INT32, "j"))
    ),
    "bound of a loop not int32": program(n.For("j", number(3.0), ())),
    "break outside of loops": program(n.Break()),
    "continue outside of loops": program(n.If(less(A, A), (n.Continue(),))),
    "variable never defined": program(n.Assign(OUT, T32)),
    "variable of one arm only": program(n.If(less(A, A), (DEFINE_T,)), n.Assign(OUT, T32)),
    "variable of a loop read after it": program(n.For("j", AT, (DEFINE_T,)), n.Assign(OUT, T32)),
    "variable changes its type": program(DEFINE_T, n.Assign(n.Name(INT32, "t"), whole(1))),
    "name says another type": program(DEFINE_T, n.Assign(n.Name(INT32, "k"), n.Name(INT32, "t"))),
    "target says another type": program(n.Assign(n.Name(INT32, "t"), number(1.0))),
    "element of another type": program(n.Assign(OUT, whole(1))),
    "element says another type": program(n.Assign(n.Name(INT32, "t"), n.Element(INT32, "a", (AT,)))),
    "input assigned": program(n.Assign(A, number(1.0))),
    "input changed in place": program(n.AugmentedAssign(A, "add", number(1.0))),
    "no such array": program(n.Assign(OUT, n.Element(FLOAT32, "b", (AT,)))),
    "element of a scalar": program(n.Assign(OUT, n.Element(FLOAT32, "s", (AT,))), parameters=(S, TARGET)),
    "too many indices": program(n.Assign(OUT, n.Element(FLOAT32, "a", (AT, AT)))),
    "index not int32": program(n.Assign(OUT, n.Element(FLOAT32, "a", (A,)))),
    "component of a component assigned": program(
        DEFINE_V, n.Assign(n.Component(FLOAT32, n.Construct(VEC, (A,)), whole(0)), A)
    ),
    "component out of range": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, whole(3)))),
    "component of a scalar": program(n.Assign(OUT, n.Component(FLOAT32, A, whole(0)))),
    "component by a name that varies": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, AT, True))),
    "component index not int32": program(DEFINE_V, n.Assign(OUT, n.Component(FLOAT32, V, number(0.0)))),
    "test is no truth value": program(n.If(A, ())),
    "conditional's arms differ": program(n.Assign(OUT, n.Conditional(FLOAT32, less(A, A), A, whole(1)))),
    "conditional's test is a number": program(n.Assign(OUT, n.Conditional(FLOAT32, A, A, A))),
    "no such operation": program(n.Assign(OUT, apply("sinc", A))),
    "operation on other types": program(n.Assign(OUT, apply("add", A, whole(1)))),
    "operation with too many arguments": program(n.Assign(OUT, apply("sin", A, A))),
    "operation says another type": program(n.Assign(n.Name(INT32, "t"), apply("sin", A, of=INT32))),
    "augmented with a function": program(DEFINE_T, n.AugmentedAssign(T32, "sin", A)),
    "augmented with another type": program(DEFINE_T, n.AugmentedAssign(T32, "add", whole(1))),
    "augmented before it is defined": program(n.AugmentedAssign(T32, "add", A)),
    "comparison without operators": program(n.If(n.Compare(BOOL, (), (A,)), ())),
    "comparison with one operand": program(n.If(n.Compare(BOOL, ("<",), (A,)), ())),
    "comparison of two types": program(n.If(less(A, whole(1)), ())),
    "comparison of vectors": program(DEFINE_V, n.If(less(V, V), ())),
    "no such comparison": program(n.If(n.Compare(BOOL, ("is",), (A, A)), ())),
    "comparison says it is a number": program(n.Assign(OUT, n.Compare(FLOAT32, ("<",), (A, A)))),
    "logical with one operand": program(n.If(n.Logical(BOOL, "and", (less(A, A),)), ())),
    "no such logical operator": program(n.If(n.Logical(BOOL, "xor", (less(A, A), less(A, A))), ())),
    "logical of numbers": program(n.If(n.Logical(BOOL, "or", (A, A)), ())),
    "conversion of a vector": program(DEFINE_V, n.Assign(OUT, n.Cast(FLOAT32, V))),
    "conversion to a vector": program(n.Assign(V, n.Cast(VEC, A))),
    "construction of a scalar": program(n.Assign(OUT, n.Construct(FLOAT32, (A,)))),
    "vector of two out of three": program(n.Assign(V, n.Construct(VEC, (A, A)))),
    "vector of integers and floats": program(n.Assign(V, n.Construct(VEC, (A, A, whole(1))))),
    "extent of no axis": program(n.Assign(n.Name(INT32, "t"), n.Extent(INT32, "a", 1))),
    "extent of a negative axis": program(n.Assign(n.Name(INT32, "t"), n.Extent(INT32, "a", -1))),
    "extent says it is a float": program(n.Assign(OUT, n.Extent(FLOAT32, "a", 0))),
    "literal of a vector": program(n.Assign(V, n.Literal(VEC, 1.0))),
    "literal truth value as a number": program(n.Assign(OUT, n.Literal(FLOAT32, True))),
    "literal number as a truth value": program(n.If(n.Literal(BOOL, 1), ())),
    "literal float as an integer": program(n.Assign(n.Name(INT32, "t"), n.Literal(INT32, 1.0))),
    "literal integer too large": program(n.Assign(n.Name(INT32, "t"), whole(2**31))),
    "literal float too large": program(n.Assign(n.Name(t.FLOAT16, "t"), n.Literal(t.FLOAT16, 65536.0))),
    "literal infinite": program(n.Assign(OUT, number(float("inf")))),
    "literal not a number": program(n.Assign(OUT, number(float("nan")))),
    "no atomic operation": program(n.Atomic("add", "out", (AT,), A)),
    "atomic on an input": program(n.Atomic("atomic_add", "a", (AT,), A)),
    "atomic of another type": program(n.Atomic("atomic_add", "out", (AT,), whole(1))),
    "atomic with too many indices": program(n.Atomic("atomic_add", "out", (AT, AT), A)),
}
BOOLS = t.vector(3, BOOL)
UNSIGNED = n.Parameter("u", t.array(t.scalar("uint8")), -5, 5, (4,))
ILL_FORMED |= {
    "a variable named like a type of the file": program(n.Assign(n.Name(FLOAT32, "vec7"), A)),
    "a vector of truth values": program(n.Assign(n.Name(BOOLS, "v"), n.Construct(BOOLS, (n.Literal(BOOL, True),)))),
    "an atomic that Warp does not have": program(n.Atomic("atomic_mean", "out", (AT,), A)),
    "an atomic on a type that it does not take": program(
        n.Atomic("atomic_add", "u", (AT,), n.Literal(t.scalar("uint8"), 1)),
        parameters=(msgspec.structs.replace(UNSIGNED, low=0, output=True),),
    ),
    "values that the type cannot hold": program(n.Assign(OUT, A), parameters=(SOURCE, UNSIGNED, TARGET)),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_well_formed_program_passes(what: str) -> None:
    check_program(GOOD[what], result_type)


@pytest.mark.parametrize("what", ILL_FORMED)
def test_an_ill_formed_program_is_refused_with_a_sentence(what: str) -> None:
    with pytest.raises(IllFormed) as refusal:
        check_program(ILL_FORMED[what], result_type)
    assert len(str(refusal.value)) > 10


# ---------------------------------------------------------------- hashes


def renamed(found: n.Program) -> n.Program:
    """The program with every name that it binds replaced, and the kernel's own."""
    new = {name: f"renamed_{number}" for number, name in enumerate(sorted(defined_names(found)))}

    def visit(node: Any) -> Any:
        changes: dict[str, Any] = {}
        for field in node.__struct_fields__:
            value = getattr(node, field)
            if field in ("name", "array", "function") and isinstance(value, str):
                # a field of a struct in an array is called `name.field`
                # and one of several functions of a name `name__1`
                first, mark, rest = re.split(r"(\.|__|$)", value, maxsplit=1)
                changes[field] = new[first] + mark + rest
            elif field in ("names", "keywords", "given"):
                changes[field] = tuple(new[name.partition("__")[0]] for name in value)
        return n.rebuild(msgspec.structs.replace(node, **changes), visit)

    return n.rebuild(msgspec.structs.replace(found, name="renamed"), visit)


def with_other_numbers(found: n.Program) -> n.Program:
    """The program with other literals, value ranges and array lengths."""

    def visit(node: Any) -> Any:
        match node:
            case n.Literal(value=bool()):
                return msgspec.structs.replace(node, value=not node.value)
            case n.Literal():
                return msgspec.structs.replace(node, value=node.value + 1)
            case n.Parameter():
                shape = tuple(extent + 1 for extent in node.shape)
                return msgspec.structs.replace(node, low=node.low - 1, high=node.high + 1, shape=shape)
        return n.rebuild(node, visit)

    launch = tuple(extent + 1 for extent in found.launch)
    return n.rebuild(msgspec.structs.replace(found, launch=launch), visit)


@pytest.mark.parametrize("category", CATEGORIES)
def test_names_and_numbers_are_no_part_of_the_structure(category: str) -> None:
    for found in drawn(category):
        for other in (renamed(found), with_other_numbers(found)):
            assert structure_hash(other) == structure_hash(found)
            assert outline_hash(other) == outline_hash(found)
            assert content_hash(other) != content_hash(found)


def with_another_operation(found: n.Program) -> n.Program | None:
    """The program with the first addition turned into a subtraction, or the like."""
    done = False

    def visit(node: Any) -> Any:
        nonlocal done
        if not done and isinstance(node, n.Apply):
            done = True
            return msgspec.structs.replace(node, op="another_operation")
        return n.rebuild(node, visit)

    changed_program: n.Program = n.rebuild(found, visit)
    return changed_program if done else None


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_operation_is_part_of_the_structure_but_not_of_the_outline(category: str) -> None:
    tried = 0
    for found in drawn(category):
        if (other := with_another_operation(found)) is not None:
            assert structure_hash(other) != structure_hash(found)
            assert outline_hash(other) == outline_hash(found)
            tried += 1
    assert tried > DRAWS // 2


def test_each_field_of_a_program_changes_its_content() -> None:
    others = [
        msgspec.structs.replace(SIMPLE, name="other"),
        msgspec.structs.replace(SIMPLE, category="unary"),
        msgspec.structs.replace(SIMPLE, launch=(3,)),
        msgspec.structs.replace(SIMPLE, parameters=(msgspec.structs.replace(SOURCE, low=-2.0), TARGET)),
        msgspec.structs.replace(SIMPLE, parameters=(TARGET, SOURCE)),
        msgspec.structs.replace(SIMPLE, body=SIMPLE.body[:-1]),
        program(n.Assign(T32, apply("sin", A)), n.Assign(OUT, apply("mul", T32, number(2.5)))),
    ]
    assert len({content_hash(p) for p in (SIMPLE, *others)}) == len(others) + 1


def test_structure_tells_apart_what_is_not_a_name_or_a_number() -> None:
    def store(value: n.Expression, **changes: Any) -> n.Program:
        return program(n.Assign(V, n.Construct(VEC, (A,))), n.Assign(OUT, value), **changes)

    other = n.Parameter("b", t.array(FLOAT32), -1.0, 1.0, (4,))
    b = n.Element(FLOAT32, "b", (AT,))
    three = (SOURCE, other, TARGET)
    apart = [
        store(A, parameters=three),
        store(b, parameters=three),
        store(apply("sub", A, b), parameters=three),
        store(apply("sub", A, A), parameters=three),
        store(n.Component(FLOAT32, V, whole(0), True), parameters=three),
        store(n.Component(FLOAT32, V, whole(0)), parameters=three),
        store(A),
    ]
    assert len({structure_hash(p) for p in apart}) == len(apart)


def test_the_type_of_a_parameter_is_part_of_the_structure() -> None:
    assert structure_hash(widened(SIMPLE)) != structure_hash(SIMPLE)
    assert outline_hash(widened(SIMPLE)) != outline_hash(SIMPLE)


# ---------------------------------------------------------------- source

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
        case n.Element():
            return ("index", dotted(node.array), *map(shape, node.indices))
        case n.Zeros(type=t.Array() as of):
            extents = ("keyword", "shape", ("tuple", *map(str, node.shape)))
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
    assert render(with_name(SIMPLE, "other")).splitlines() == other
    with pytest.raises(ValueError, match="no name"):
        with_name(SIMPLE, "Other Name")


# ---------------------------------------------------------------- values


def test_nodes_are_immutable_values() -> None:
    for node in n.walk(SIMPLE):
        field = node.__struct_fields__[0]
        with pytest.raises(AttributeError):
            setattr(node, field, None)
    twin = program(n.Assign(T32, apply("sin", A)), n.Assign(OUT, apply("mul", T32, number(2.0))))
    assert twin == SIMPLE
    assert hash(twin) == hash(SIMPLE)
    assert len({twin, SIMPLE}) == 1


def test_rebuilding_without_a_change_gives_the_same_object() -> None:
    assert n.rebuild(SIMPLE, lambda node: node) is SIMPLE
    wide = widened(SIMPLE)
    assert widened(wide) is wide
    assert n.size(SIMPLE) == sum(1 for _ in n.walk(SIMPLE))
