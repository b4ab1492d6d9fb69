"""A program as the Python source that a Warp user would write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from strategies.language.closures import made_name
from strategies.language.generics import generic_parameters, substituted, text_name
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Closure,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Continue,
    Contribute,
    Element,
    Evaluate,
    Expression,
    Extent,
    Field,
    For,
    Function,
    If,
    Item,
    Literal,
    Logical,
    Name,
    Numbers,
    Options,
    Parameter,
    Part,
    Program,
    Return,
    Slice,
    Statement,
    Static,
    ThreadIndex,
    TileStore,
    Unpack,
    View,
    While,
    Zeros,
    walk,
)
from strategies.language.several import called
from strategies.language.spellings import spelled
from strategies.language.structs import struct_types, with_names
from strategies.language.tile_text import tile_text, tuple_text
from strategies.language.tiles import SORT, STORES, accumulates, is_tiled, sorts
from strategies.language.types import (
    Array,
    Composite,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    StructArray,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
    element_scalar,
)

#: Python's binary operators by their name in Warp's registry: symbol and precedence.
INFIX: Final = {
    "bit_or": ("|", 6),
    "bit_xor": ("^", 7),
    "bit_and": ("&", 8),
    "lshift": ("<<", 9),
    "rshift": (">>", 9),
    "add": ("+", 10),
    "sub": ("-", 10),
    "mul": ("*", 11),
    "div": ("/", 11),
    "floordiv": ("//", 11),
    "mod": ("%", 11),
}
#: Python's unary operators, likewise.
PREFIX: Final = {"neg": ("-", 12), "pos": ("+", 12), "invert": ("~", 12), "unot": ("not ", 4)}
#: `**` binds its left operand tighter than a unary minus, and its right operand looser.
POWER: Final = "pow_operator"
#: The operators that change something in place, without their equals sign.
AUGMENTED: Final = {**{name: symbol for name, (symbol, _) in INFIX.items()}, POWER: "**"}

COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")

#: Manners of annotations, of which a program may have any: ``float`` and ``int``, and ``wp.array2d(dtype=wp.vec3)``.
PYTHON_TYPES: Final = "python_types"
NUMBERED_ARRAYS: Final = "numbered_arrays"
MANNERS: Final = (PYTHON_TYPES, NUMBERED_ARRAYS)
_PYTHON_TYPES: Final = {"float32": "float", "int32": "int"}

#: Functions of Python that Warp takes over.
_PYTHONS: Final = frozenset(("len",))

_CONDITIONAL, _OR, _AND, _COMPARE, _UNARY, _POWER, _ATOM = 1, 2, 3, 5, 12, 13, 15
_LOGICAL: Final = {"or": _OR, "and": _AND}
_COMPONENTS: Final = "xyzw"
_PARTS: Final = "pq"

#: Warp's suffixes of vector type names; float32 has none.
_SUFFIXES: Final = {
    "float16": "h",
    "float32": "",
    "float64": "d",
    "int8": "b",
    "uint8": "ub",
    "int16": "s",
    "uint16": "us",
    "int32": "i",
    "uint32": "ui",
    "int64": "l",
    "uint64": "ul",
}
#: The lengths of the vectors that have names for all scalar types, and the sizes of the matrices that have them for
#: floats.  Those of spatial vectors and matrices have names of their own; any other is defined in front of the kernel.
_NAMED_SIZES: Final = (2, 3, 4)
_SPATIAL: Final = 6
INDENT: Final = "    "
#: A signature that is longer has one parameter a line.
LINE: Final = 100
#: In front of a file with generic parameters.
IMPORT_ANY: Final = "from typing import Any"


def type_name(of: Type, manner: Collection[str] = ()) -> str:
    """The name of a type in a constructor, or in an annotation of a program with such `annotations`."""
    match of:
        case Scalar():
            if of.notation in _PYTHON_TYPES and PYTHON_TYPES in manner:
                return _PYTHON_TYPES[of.notation]
            return "bool" if of.kind == "bool" else f"wp.{of.notation}"
        case Composite():
            return _named(of) or alias(of)
        case Struct():
            return of.name
        case Array() | StructArray():
            return _array_name(type_name(of.dtype, manner), of.ndim, manner)
        case Tuple():
            return f"tuple[{', '.join(type_name(item, manner) for item in of.items)}]"
    raise TypeError(f"{of!r} has no name")


def _array_name(dtype: str, ndim: int, manner: Collection[str]) -> str:
    """``wp.array(dtype=wp.vec3, ndim=2)``, or ``wp.array2d(dtype=wp.vec3)``."""
    if ndim == 1:
        return f"wp.array(dtype={dtype})"
    return f"wp.array{ndim}d(dtype={dtype})" if NUMBERED_ARRAYS in manner else f"wp.array(dtype={dtype}, ndim={ndim})"


def _named(of: Composite) -> str | None:
    """Warp's own name of a type, if it has one."""
    suffix = _SUFFIXES[of.dtype.notation]
    spatial, square = of.shape in ((_SPATIAL,), (_SPATIAL, _SPATIAL)), len(set(of.shape)) == 1
    match of:
        case Quaternion() | Transform():
            return f"wp.{of.form}{suffix}"
        case Vector() | Matrix() if spatial and of.dtype.is_float:
            return f"wp.spatial_{'vector' if isinstance(of, Vector) else 'matrix'}{suffix}"
        case Vector() if of.length in _NAMED_SIZES:
            return f"wp.{of.form}{suffix}"
        case Matrix() if of.rows in _NAMED_SIZES and square and of.dtype.is_float:
            return f"wp.{of.form}{suffix}"
    return None


def alias(of: Composite) -> str:
    """The name that a file gives a type that has none in Warp: ``mat23``, ``vec5d``."""
    return f"{of.form}{_SUFFIXES[of.dtype.notation]}"


def _definition_of(of: Composite) -> str:
    """``mat23 = wp.types.matrix(shape=(2, 3), dtype=wp.float32)``."""
    if isinstance(of, Matrix):
        return f"{alias(of)} = wp.types.matrix(shape={of.shape}, dtype={type_name(of.dtype)})"
    return f"{alias(of)} = wp.types.vector(length={of.length}, dtype={type_name(of.dtype)})"


def _nameless(program: Program) -> list[Composite]:
    """The types of a program that its file has to name, in a fixed order."""
    found = {part for node in walk(program) if (of := getattr(node, "type", None)) for part in _composites(of)}
    return sorted((of for of in found if _named(of) is None), key=alias)


def _composites(of: Type) -> Iterator[Composite]:
    match of:
        case Composite():
            yield of
        case Array() | StructArray():
            yield from _composites(of.dtype)
        case Struct():
            for _, field in of.fields:
                yield from _composites(field)
        case Tuple():
            for item in of.items:
                yield from _composites(item)


def has_name(of: Type) -> bool:
    """Whether `type_name` can write a type."""
    match of:
        case Composite():
            return of.dtype.notation in _SUFFIXES
        case Array() | StructArray():
            return has_name(of.dtype)
        case Struct():
            return all(has_name(field) for _, field in of.fields)
        case Tuple():
            return all(map(has_name, of.items))
    return isinstance(of, Scalar | Tile)


def literal(node: Literal) -> str:
    """The source of a literal: bare for Warp's 32-bit defaults, in a constructor for other types."""
    assert isinstance(node.type, Scalar)
    if node.type.kind == "bool":
        return "True" if node.value else "False"
    if node.type.is_float:
        text = repr(float(node.value))
    else:
        text = f"0x{int(node.value):X}" if node.hexadecimal and node.value >= 0 else repr(int(node.value))
    if node.type.notation in ("float32", "int32"):
        return text
    return f"{type_name(node.type)}({text})"


def module_value(node: Literal | Numbers) -> str:
    """The source of a value that Python makes: a literal, or ``wp.vec3d(0.0, -9.81, 0.0)``."""
    if isinstance(node, Literal):
        return literal(node)
    numbers = (repr(float(v.value) if element_scalar(v.type).is_float else int(v.value)) for v in node.values)
    return f"{type_name(node.type)}({', '.join(numbers)})"


def _cast_name(node: Cast) -> str:
    """``float`` and ``int`` are what people write to make a constant mutable, and elsewhere if it is `short`."""
    to = node.type
    if (node.short or isinstance(node.operand, Literal)) and to.notation in _PYTHON_TYPES:
        return _PYTHON_TYPES[to.notation]
    return type_name(to)


def _like(of: Type, like: Expression) -> str:
    """The type of a value by that of another: ``type(x)``, or ``v.dtype`` of what it is a part of."""
    text, found = expression(like, _ATOM), like.type
    if found is of:
        return f"type({text})"
    while isinstance(found, Array | Composite) and found is not of:
        text, found = f"{text}.dtype", found.dtype
    return text


def _list(nodes: Sequence[Expression]) -> str:
    return ", ".join(expression(node) for node in nodes)


def _arguments(nodes: Sequence[Expression]) -> list[str]:
    """The source of the arguments of a call, those together that are unpacked together: ``wp.vec4(*v, 1.0)``."""
    texts: list[str] = []
    while nodes:
        unpacked, count = _unpacked(nodes)
        texts.append(unpacked or expression(nodes[0]))
        nodes = nodes[count or 1 :]
    return texts


def _unpacked(nodes: Sequence[Expression]) -> tuple[str, int]:
    """The source of the starred arguments in front, and how many they are; nothing if the first is none."""
    first, count = _starred(nodes[0]), 1
    if first is None:
        return "", 0
    whole, start, extent = first
    while count < len(nodes) and _starred(nodes[count]) == (whole, start + count, extent):
        count += 1
    return f"*{whole}" if count == extent else f"*{whole}[{start}:{start + count}]", count


def _starred(node: Expression) -> tuple[str, int, int | None] | None:
    """Of an argument that may be unpacked: from what, at which place, and how many there are, if that is known."""
    match node:
        case Component(starred=True, base=Name() | Element() | Field() as base, index=Literal() as at, column=None):
            if isinstance(base.type, Vector | Matrix | Quaternion) and not node.attribute:
                return expression(base), int(at.value), base.type.shape[0]
        case Element(starred=True, indices=(Literal() as at,)) if at.value >= 0:
            return node.array, int(at.value), None
    return None


def expression(node: Expression, context: int = 0) -> str:
    """The source of an expression, in parentheses if it binds less tightly than `context`, or is to have them."""
    text, precedence = _expression(node)
    enclosed = isinstance(node, Apply) and node.enclosed and context > 0
    return f"({text})" if precedence < context or enclosed else text


def _expression(node: Expression) -> tuple[str, int]:
    """The source of an expression, and how tightly it binds."""
    match node:
        case Literal():
            if node.like is not None:
                return f"{_like(node.type, node.like)}({node.value!r})", _ATOM
            text = literal(node)
            return text, _UNARY if text.startswith("-") else _ATOM
        case Constant(is_own=False) if node.type.notation != "float32":
            return f"{type_name(node.type)}({node.name})", _ATOM
        case Constant():
            return node.name, _ATOM
        case Item():
            return f"{node.name}[{expression(node.index)}]", _ATOM
        case Static():
            text = expression(node.value)
            bare = node.type.notation in ("float32", "int32")
            return f"wp.static({text if bare else f'{type_name(node.type)}({text})'})", _ATOM
        case Name():
            return node.name, _ATOM
        case Apply() if is_tiled(node) and (tiled := tile_text(node, expression, type_name)) is not None:
            return tiled, _ATOM
        case Apply():
            return _operation(node)
        case Compare():
            text = expression(node.operands[0], _COMPARE + 1)
            for operator, operand in zip(node.operators, node.operands[1:], strict=True):
                text += f" {operator} {expression(operand, _COMPARE + 1)}"
            return text, _COMPARE
        case Logical():
            precedence = _LOGICAL[node.operator]
            parts = (expression(operand, precedence + 1) for operand in node.operands)
            return f" {node.operator} ".join(parts), precedence
        case Cast(implied=True):
            return _expression(node.operand)
        case Cast():
            name = _cast_name(node) if node.like is None else _like(node.type, node.like)
            return f"{name}({expression(node.operand)})", _ATOM
        case Construct(type=Tuple()):
            return f"({_list(node.arguments)})", _ATOM
        case Construct():
            return _construction(node), _ATOM
        case Component():
            return _component(node), _ATOM
        case Field():
            return f"{expression(node.base, _ATOM)}.{node.field}", _ATOM
        case Element(brackets=True):
            return node.array + "".join(f"[{expression(index)}]" for index in node.indices), _ATOM
        case Element():
            return f"{node.array}[{_list(node.indices)}]", _ATOM
        case Zeros(type=Array() as of):
            extents = f"({', '.join(map(str, node.shape))})"
            if len(node.shape) == 1:
                extents = str(node.shape[0]) if node.placed else f"({node.shape[0]},)"
            return f"wp.zeros({'' if node.placed else 'shape='}{extents}, dtype={type_name(of.dtype)})", _ATOM
        case Part():
            indices = (node.index, *(() if node.column is None else (node.column,)))
            return f"{expression(node.base, _ATOM)}[{_indices(indices)}]", _ATOM
        case View(indices=()):
            return node.array, _ATOM
        case View():
            return f"{node.array}[{_indices(node.indices)}]", _ATOM
        case Extent():
            return f"{node.array}.shape[{node.axis}]", _ATOM
        case Call():
            return _call(node), _ATOM
        case Conditional():
            then, test = expression(node.then, _OR), expression(node.test, _OR)
            return f"{then} if {test} else {expression(node.otherwise, _CONDITIONAL)}", _CONDITIONAL
    raise TypeError(f"{node!r} is not an expression")


def _operation(node: Apply) -> tuple[str, int]:
    """An operator with its operands, or a call of a built-in."""
    op, arguments = node.op, node.arguments
    if op in INFIX:
        symbol, precedence = INFIX[op]
        left, right = (expression(a, precedence + n) for n, a in enumerate(arguments))
        return f"{left} {symbol} {right}", precedence
    if op in PREFIX:
        symbol, precedence = PREFIX[op]
        return f"{symbol}{expression(arguments[0], precedence)}", precedence
    if op == POWER:
        return f"{expression(arguments[0], _ATOM)} ** {expression(arguments[1], _UNARY)}", _POWER
    name, numbers = spelled(op)
    called = name if name in _PYTHONS else f"wp.{name}"
    further = "".join(f", {number.text}" for number in numbers)
    return f"{called}({', '.join(_arguments(arguments)) or _kind(node.type)}{further})", _ATOM


def _construction(node: Construct) -> str:
    """A vector, a matrix or the like, of its numbers or of other values."""
    name = type_name(node.type) if node.like is None else _like(node.type, node.like)
    if isinstance(node.type, Vector) and sum(isinstance(part.type, Vector) for part in node.arguments) > 1:
        # of two vectors, whose type says that of its numbers
        name = "wp.spatial_vector"
    return f"{name}({', '.join(_arguments(node.arguments))})"


def _component(node: Component) -> str:
    """A part of a value by its name, or by index."""
    base = expression(node.base, _ATOM)
    if node.attribute and isinstance(node.index, Literal):
        names = _PARTS if isinstance(node.base.type, Transform) else _COMPONENTS
        return f"{base}.{names[int(node.index.value)]}"
    return f"{base}[{_list([node.index] if node.column is None else [node.index, node.column])}]"


def _call(node: Call) -> str:
    """A call of a function of the program, or of a built-in that applies one to a tile."""
    plain = len(node.arguments) - len(node.keywords)
    named = [f"{k}={expression(a)}" for k, a in zip(node.keywords, node.arguments[plain:], strict=True)]
    called = node.through or text_name(node.function)
    given = [*map(text_name, node.given), *_arguments(node.arguments[:plain])]
    if node.folds:
        axis = f", axis={given[1]}" if len(given) > 1 else ""
        return f"wp.tile_reduce({called}, {given[0]}{axis})"
    if isinstance(node.type, Tile):
        return f"wp.tile_map({', '.join((called, *given))})"
    called = f"wp.grad({called})" if node.derivative else called
    return f"{called}({', '.join((*given, *named))})"


def _indices(nodes: Sequence[Expression | Slice]) -> str:
    """What stands between brackets."""
    return ", ".join(_slice(node) if isinstance(node, Slice) else expression(node) for node in nodes)


def _slice(node: Slice) -> str:
    """``start:stop:step``, as short as it goes."""
    start, stop, step = ("" if part is None else expression(part) for part in (node.start, node.stop, node.step))
    return f"{start}:{stop}" + (f":{step}" if step else "")


def _kind(of: Type) -> str:
    """The keywords by which a function without arguments is told what to make."""
    given = []
    if isinstance(of, Matrix):
        given.append(f"n={of.rows}")
    dtype = element_scalar(of)
    if isinstance(of, Matrix) or dtype.notation != "float32":
        given.append(f"dtype={type_name(dtype)}")
    return ", ".join(given)


def statements(nodes: Sequence[Statement], indent: str = "") -> Iterator[str]:
    """The lines of a block."""
    named: dict[str, str] = {}
    for node in nodes:
        node = with_names(node, named) if named else node
        named = {}
        if isinstance(node, Atomic) and node.inline:
            assert node.result is not None
            named = {node.result.name: _atomic(node)}
        else:
            yield from _statement(node, indent)


def _block(nodes: Sequence[Statement], indent: str) -> Iterator[str]:
    if nodes:
        yield from statements(nodes, indent + INDENT)
    else:
        yield f"{indent}{INDENT}pass"


def _statement(node: Statement, indent: str) -> Iterator[str]:
    match node:
        case ThreadIndex():
            yield f"{indent}{', '.join(node.names)} = wp.tid()"
        case Assign(called=True, target=Component(base=base, index=Literal(value=part))):
            what = "rotation" if part else "translation"
            yield f"{indent}wp.transform_set_{what}({expression(base)}, {expression(node.value)})"
        case Assign(value=value) if accumulates(value):
            yield f"{indent}{expression(value)}"
        case Assign():
            yield f"{indent}{expression(node.target)} = {expression(node.value)}"
        case AugmentedAssign():
            yield f"{indent}{expression(node.target)} {AUGMENTED[node.operator]}= {expression(node.value)}"
        case Atomic():
            taken = "" if node.result is None else f"{node.result.name} = "
            yield f"{indent}{taken}{_atomic(node)}"
        case TileStore():
            offset = tuple_text([expression(part) for part in node.offset])
            yield f"{indent}wp.{STORES[node.op]}({node.array}, {expression(node.value)}, offset={offset})"
        case If():
            yield from _if(node, indent, "if")
        case For():
            bounds = [b for b in (node.start, node.stop, node.step) if b is not None]
            if node.step is not None and node.start is None:
                bounds.insert(0, Literal(node.stop.type, 0))
            yield f"{indent}for {node.name} in range({_list(bounds)}):"
            yield from _block(node.body, indent)
        case Break():
            yield f"{indent}break"
        case Continue():
            yield f"{indent}continue"
        case Return():
            yield f"{indent}return {_list(node.values)}".rstrip()
        case While():
            yield f"{indent}while {expression(node.test)}:"
            yield from _block(node.body, indent)
        case Evaluate():
            yield f"{indent}{expression(node.value)}"
        case Unpack() if sorts(node):
            yield f"{indent}wp.{SORT}({_list(node.targets)})"
        case Contribute():
            yield f"{indent}wp.adjoint[{node.target.name}] += {expression(node.value)}"
        case Unpack() if (several := called(node)) is not None:
            yield f"{indent}{_list(node.targets)} = wp.{several.name}({_list(several.arguments)})"
        case Unpack():
            yield f"{indent}{_list(node.targets)} = {_list(node.values)}"


def _atomic(node: Atomic) -> str:
    given = (*node.indices, *(() if node.compare is None else (node.compare,)), node.value)
    return f"wp.{node.op}({node.array}, {_list(given)})"


def _if(node: If, indent: str, keyword: str) -> Iterator[str]:
    yield f"{indent}{keyword} {expression(node.test)}:"
    yield from _block(node.body, indent)
    match node.orelse:
        case ():
            return
        case (If() as nested,):
            yield from _if(nested, indent, "elif")
        case _:
            yield f"{indent}else:"
            yield from _block(node.orelse, indent)


def render(program: Program, name: str | None = None) -> str:
    """The module source of `program`: imports, settings, types that Warp has no name for, its structs and functions,
    and one kernel, called `name` instead of its own if given."""
    lines = ["import warp as wp"]
    if program.options is not None and program.options.of_config:
        lines += ["", *(f"wp.config.{name} = {value}" for name, value in program.options.of_config.items())]
    if nameless := _nameless(program):
        lines += ["", *map(_definition_of, nameless)]
    for struct in struct_types(program):
        fields = (f"{INDENT}{field}: {type_name(of, program.annotations)}" for field, of in struct.fields)
        lines += ["", "", "@wp.struct", f"class {struct.name}:", *fields]
    if constants := _constants(program):
        lines += ["", *constants]
    written = set()
    for function in program.functions:
        text = function_text(function, program.annotations)
        # instances of one generic function are one text
        if text not in written:
            lines += text
            lines += ["", ""] if function.closure is not None else []
        written.add(text)
        if function.closure is not None:
            lines.append(_made(function.name, function.closure))
    lines += ["", "", _decorator(program.options)]
    lines += _definition(program, name or program.name, program.annotations)
    if program.overloads:
        lines += ["", "", *_overloads(program, name or program.name)]
    if any(isinstance(n, Parameter) and n.generic for n in walk(program)):
        lines = [IMPORT_ANY, "", *lines]
    return "\n".join(lines) + "\n"


def function_text(function: Function, manner: Collection[str] = ()) -> tuple[str, ...]:
    """A function, or the factory that makes it, in a program with such `annotations`."""
    closure = function.closure
    if closure is None:
        return (
            "",
            "",
            "@wp.func",
            *_definition(function, text_name(function.name), manner),
            *_backward(function, manner),
        )
    inner = made_name(closure)
    captured = ", ".join([*(n.name for n in closure.numbers), *(f.name for f in closure.functions)])
    body = (f"{INDENT}{line}" for line in ("@wp.func", *_definition(function, inner, manner)))
    return ("", "", f"def {closure.factory}({captured}):", *body, "", f"{INDENT}return {inner}")


def _made(name: str, closure: Closure) -> str:
    """``scaled = make_blend(0.25, square)``."""
    captured = [*(module_value(n.value) for n in closure.numbers), *(text_name(f.function) for f in closure.functions)]
    return f"{text_name(name)} = {closure.factory}({', '.join(captured)})"


def _decorator(options: Options | None) -> str:
    """``@wp.kernel``, with the options that are not left to Warp."""
    given = []
    if options is not None and options.enable_backward is not None:
        given.append(f"enable_backward={options.enable_backward}")
    if options is not None and (options.of_module or options.of_config):
        given.append('module="unique"')
    if options is not None and options.of_module:
        named = ", ".join(f'"{name}": {_option(value)}' for name, value in options.of_module.items())
        given.append(f"module_options={{{named}}}")
    return f"@wp.kernel({', '.join(given)})" if given else "@wp.kernel"


def _option(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _overloads(program: Program, called: str) -> Iterator[str]:
    """``wp.overload(scale, [wp.array(dtype=wp.float32), wp.float32])``, or only the generic parameters, by name."""
    given = generic_parameters(program)
    launched = element_scalar(given[0].type)
    for of in program.overloads:
        assert isinstance(of, Scalar)
        named = [(p.name, type_name(substituted(p, launched, of).type)) for p in given]
        if len(given) == len(program.parameters):
            types, (opening, closing) = [text for _, text in named], "[]"
        else:
            types, (opening, closing) = [f'"{name}": {text}' for name, text in named], "{}"
        line = f"wp.overload({called}, {opening}{', '.join(types)}{closing})"
        if len(line) <= LINE:
            yield line
        else:
            lines = (f"{INDENT}{INDENT}{text}," for text in types)
            yield from ("wp.overload(", f"{INDENT}{called},", f"{INDENT}{opening}", *lines, f"{INDENT}{closing},", ")")


def _constants(program: Program) -> list[str]:
    """The definitions of the constants that a program names, in the order in which it does."""
    found: dict[str, str] = {}
    captured = {
        id(node)
        for function in program.functions
        if function.closure is not None
        for node in walk(function)
        if isinstance(node, Constant) and node.name in {n.name for n in function.closure.numbers}
    }
    for node in walk(program):
        match node:
            case Constant() if id(node) in captured or not node.is_own:
                pass
            case Constant():
                value = module_value(node.value)
                found[node.name] = f"wp.constant({value})" if node.wrapped else value
            case Item():
                found[node.name] = f"({', '.join(map(literal, node.values))})"
    return [f"{name} = {value}" for name, value in found.items()]


def _backward(function: Function, manner: Collection[str]) -> Iterator[str]:
    """What the backward pass runs for a function, where that is its own."""
    called = text_name(function.name)
    if function.replay:
        yield from ("", "", f"@wp.func_replay({called})")
        of = msgspec.structs.replace(function, body=function.replay, slopes=(), replay=())
        yield from _definition(of, f"replay_{called}", manner)
    if function.own_gradient:
        given = (Parameter(cotangent.name, cotangent.type, 0, 0) for cotangent in function.cotangents)
        of = msgspec.structs.replace(function, parameters=(*function.parameters, *given), body=function.own_gradient)
        yield from ("", "", f"@wp.func_grad({called})")
        yield from _definition(of, f"adj_{called}", manner)


def _definition(of: Program | Function, called: str, manner: Collection[str]) -> Iterator[str]:
    """A function's lines; a signature too long for one line has one parameter a line."""
    parameters = list(_parameters(of, manner))
    if len(f"def {of.name}({', '.join(parameters)}):") <= LINE:
        yield f"def {called}({', '.join(parameters)}):"
    else:
        yield from (f"def {called}(", *(f"{INDENT}{p}," for p in parameters), "):")
    yield from _block(of.body, "")


def _parameters(of: Program | Function, manner: Collection[str]) -> Iterator[str]:
    """The parameters of a signature: a struct, or an indexed array, stands where its parts do."""
    indexed = {p.name: p for p in of.indexed} if isinstance(of, Program) else {}
    structs = {p.name: p for p in of.structs} if isinstance(of, Program) else {}
    for function in () if isinstance(of, Program) else of.passed:
        yield f"{function.name}: wp.Function"
    for parameter in of.parameters:
        whole = parameter.name.partition(".")[0]
        if whole == parameter.name:
            yield _parameter(parameter, manner)
        elif indexed.pop(whole, None) is not None:
            yield f"{whole}: {_indexed_name(parameter.type, manner)}"
        elif (struct := structs.pop(whole, None)) is not None:
            called = type_name(struct.type)
            yield f"{whole}: {_array_name(called, struct.ndim, manner) if struct.ndim else called}"


def _parameter(parameter: Parameter, manner: Collection[str]) -> str:
    of = parameter.type
    known = _indexed_name(of, manner) if parameter.axes else type_name(of, manner)
    known = f"wp.ref[{known}]" if parameter.reference else known
    text = f"{parameter.name}: {_generic_name(of, parameter.generic, manner) if parameter.generic else known}"
    return text if parameter.default is None else f"{text} = {literal(parameter.default)}"


def _indexed_name(of: Type, manner: Collection[str]) -> str:
    return type_name(of, manner).replace("wp.array", "wp.indexedarray", 1)


def _generic_name(of: Type, how: str, manner: Collection[str]) -> str:
    """The annotation of a generic parameter."""
    match of:
        case Array():
            return _array_name(_generic_name(of.dtype, how, manner), of.ndim, manner)
        case Scalar() if how != "any":
            return f"wp.{how.capitalize()}"
        case Vector() if how != "any":
            return f"wp.types.vector(length=Any, dtype=wp.{how.capitalize()})"
        case Matrix() if how != "any":
            return f"wp.types.matrix(shape=(Any, Any), dtype=wp.{how.capitalize()})"
    return "Any"
