"""The typed syntax tree of a kernel: immutable values, with strict JSON.

Every expression carries its type.  A node is built only from valid parts by the generators, or read
from JSON, where `decode` checks form and `check.check_program` checks meaning.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from strategies.language import types
from strategies.language.remembered import remembered
from strategies.language.types import Array, Scalar, Tuple, Type, Vector


class Node(msgspec.Struct, frozen=True, tag_field="node", forbid_unknown_fields=True, omit_defaults=True):
    """A node of the tree."""


# ---------------------------------------------------------------- expressions


class Literal(Node, frozen=True, tag="literal"):
    """A number or a truth value, of a scalar type.  A float stands as it is written, and is rounded to that type.

    With `like`, its type is written as that of something: ``type(x)(0.5)``, ``samples.dtype(0.5)``.  A whole number may
    be written in `hexadecimal`, as masks are.
    """

    type: Type
    value: bool | int | float
    like: Expression | None = None
    hexadecimal: bool = False


class Name(Node, frozen=True, tag="name"):
    """A parameter or a local variable."""

    type: Type
    name: str


class Apply(Node, frozen=True, tag="apply"):
    """An operator or a built-in function, by the name it has in Warp's registry (``add``, ``sin``).

    One that is `enclosed` is written in parentheses that Python does not need: ``(a << 8) | b``.
    """

    type: Type
    op: str
    arguments: tuple[Expression, ...]
    enclosed: bool = False

    @property
    def argument_types(self) -> tuple[Type, ...]:
        """The types that tell an overload: those of the arguments or, without any, that of the result."""
        return tuple(a.type for a in self.arguments) or (self.type,)


class Compare(Node, frozen=True, tag="compare"):
    """A chain of comparisons, ``a < b <= c``: one operand more than operators.

    Two values of several numbers may be compared with ``==`` and ``!=``: they are alike if all their numbers are.
    """

    type: Type
    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


class Logical(Node, frozen=True, tag="logical"):
    """``and`` or ``or`` over two or more truth values, evaluated with a short circuit."""

    type: Type
    operator: str
    operands: tuple[Expression, ...]


class Cast(Node, frozen=True, tag="cast"):
    """A conversion to the scalar type `type`, written as that of `like` if there is one: ``type(x)(n)``.

    One to float32 or int32 that is `short` is written with Python's own name: ``float(n)``, ``int(x)``.  That of a
    whole number to a truth value, as the test of a branch or of a loop, may be `implied`, and not written: ``if n:``.
    """

    type: Type
    operand: Expression
    like: Expression | None = None
    short: bool = False
    implied: bool = False


class Construct(Node, frozen=True, tag="construct"):
    """A value of a composite type from its numbers, from one for all of them, or, without arguments, from zeros.

    A quaternion may be made of a vector and a scalar, a transformation of a vector and a quaternion, and a spatial
    vector of two vectors.  Of a value of the same form it is a conversion, ``wp.vec3d(v)``, or a copy.  A struct is
    made of its fields, or of none, and a tuple of its items: ``(x, n)``.  With `like`: ``type(v)(x, y, z)``.
    """

    type: Type
    arguments: tuple[Expression, ...]
    like: Expression | None = None


class Component(Node, frozen=True, tag="component"):
    """A part of a value: ``v[i]``, or ``v.x`` if `attribute`.

    Of a matrix that is a row, or one number if there is a `column`: ``m[i, j]``.  A transformation's attributes are
    its translation, ``t.p`` (0), and its rotation, ``t.q`` (1); its components are numbers.  An item of a tuple may be
    counted from the end: ``t[-1]``.

    Those that are `starred` and stand in their order among the arguments of a call are written together: ``*v``,
    or ``*v[1:3]``.
    """

    type: Type
    base: Expression
    index: Expression
    attribute: bool = False
    column: Expression | None = None
    starred: bool = False


class Field(Node, frozen=True, tag="field"):
    """One field of a struct: ``s.mass``."""

    type: Type
    base: Expression
    field: str


class Element(Node, frozen=True, tag="element"):
    """One element of an array, ``a[i, j]``, or of an array member of a struct parameter: ``s.data[i]``,
    where `array` is ``s.data``.  Those that are `starred` are written as such components are, ``*a[0:3]``, and those
    with `brackets` for each index ``a[i][j]``, which Warp reads as an element of a part of the array."""

    type: Type
    array: str
    indices: tuple[Expression, ...]
    starred: bool = False
    brackets: bool = False


class Slice(Node, frozen=True, tag="slice"):
    """``start:stop:step`` as an index; each part may be left out, as in Python."""

    start: Expression | None = None
    stop: Expression | None = None
    step: Expression | None = None


class Part(Node, frozen=True, tag="part"):
    """Several numbers of a vector or a matrix at once: ``v[0:2]``, ``m[1, 0:2]``, ``m[:, 1]``, ``m[0:2, 1:3]``.

    Indices and bounds are literals.  As a target it is of a local, of an array's element, or of a part of one.
    """

    type: Type
    base: Expression
    index: Expression | Slice
    column: Expression | Slice | None = None


class View(Node, frozen=True, tag="view"):
    """A part of an array: ``a[i]`` of one with two dimensions, ``a[1:]``, or, without indices, all of it.

    An axis with an index is gone from the view, one with a `Slice` or without either is kept.  A view is assigned
    to a new local name, which is an array then and keeps what it stands for, or given to a function.
    """

    type: Type
    array: str
    indices: tuple[Expression | Slice, ...]


class Zeros(Node, frozen=True, tag="zeros"):
    """``wp.zeros(shape=(2, 3), dtype=wp.float32)``: a new array of the thread's own, assigned to a new local name.

    With `placed`, the shape goes by its place: ``wp.zeros(3, dtype=wp.float32)``.
    """

    type: Type
    shape: tuple[int, ...]
    placed: bool = False


class Extent(Node, frozen=True, tag="extent"):
    """The length of one dimension of an array: ``a.shape[0]``."""

    type: Type
    array: str
    axis: int


class Call(Node, frozen=True, tag="call"):
    """A call of one of the program's functions.

    The last arguments go by the names in `keywords`; parameters that are left out have their defaults.  An array
    is passed as a `Name` of its type.  `type` is a `Tuple` where the function has several results, and `VOID`
    where it has none.  With `derivative` it is ``wp.grad(f)(x)``, of a function with `slopes` or one
    whose derivative can be written out.

    A function that takes functions is `given` some, in front of its arguments: ``apply(square, x)``.  In such a one, a
    call of what it was given is written `through` the name of its parameter: ``f(x)``.

    Of a type that is a tile it is mapped over tiles or, if it `folds`, makes one number of all of a tile, or of those
    along the axis that is the second argument: ``wp.tile_reduce(larger, t)``.
    """

    type: Type
    function: str
    arguments: tuple[Expression, ...]
    keywords: tuple[str, ...] = ()
    derivative: bool = False
    through: str | None = None
    given: tuple[str, ...] = ()
    folds: bool = False


class Conditional(Node, frozen=True, tag="conditional"):
    """``then if test else otherwise``."""

    type: Type
    test: Expression
    then: Expression
    otherwise: Expression


class Numbers(Node, frozen=True, tag="numbers"):
    """A vector, a matrix or a quaternion that Python makes of numbers, or of one for all of them: the value of a
    constant alone.  It is no operation of the kernel, as a `Construct` is."""

    type: Type
    values: tuple[Literal, ...]


#: What the names of Warp's own constants begin with.
WARP: Final = "wp."


class Constant(Node, frozen=True, tag="constant"):
    """A number of the module, or several, by its name.  It is defined before the functions, with ``wp.constant`` if
    `wrapped`; but ``wp.PI`` and its like are Warp's own."""

    type: Type
    name: str
    value: Literal | Numbers
    wrapped: bool = True

    @property
    def is_own(self) -> bool:
        """Whether the module defines it, and not Warp."""
        return not self.name.startswith(WARP)

    @property
    def made(self) -> Literal | Construct:
        """Its value as a kernel makes it that does without the name."""
        return self.value if isinstance(self.value, Literal) else Construct(self.type, self.value.values)


class Item(Node, frozen=True, tag="item"):
    """``TABLE[k]``, of a tuple of numbers that the module defines; in a `Static` alone."""

    type: Type
    name: str
    values: tuple[Literal, ...]
    index: Expression


class Static(Node, frozen=True, tag="static"):
    """``wp.static(value)``: what Python makes of `value` while the kernel is compiled.

    It is made of literals, constants, items of tables, indices of loops that are unrolled, and sums, differences and
    products of them, in Python's integers and doubles, whatever their types here say; `type` is that of the result.
    """

    type: Type
    value: Expression


Expression: TypeAlias = (
    Literal
    | Constant
    | Item
    | Static
    | Name
    | Apply
    | Compare
    | Logical
    | Cast
    | Construct
    | Component
    | Field
    | Element
    | Part
    | View
    | Zeros
    | Extent
    | Conditional
    | Call
)
Target: TypeAlias = Name | Component | Field | Element | Part


# ---------------------------------------------------------------- statements


class ThreadIndex(Node, frozen=True, tag="tid"):
    """``i, j = wp.tid()``: one int32 name for each dimension of the launch."""

    names: tuple[str, ...]


class Assign(Node, frozen=True, tag="assign"):
    """``target = value``; defines a local variable if the target is a name not seen before.

    If `called`, it is written ``wp.transform_set_translation(t, value)`` instead of ``t.p = value``, or likewise for
    the rotation.
    """

    target: Target
    value: Expression
    called: bool = False


class AugmentedAssign(Node, frozen=True, tag="augmented"):
    """``target op= value``, `operator` being the registry's name of a binary operator."""

    target: Target
    operator: str
    value: Expression


class Atomic(Node, frozen=True, tag="atomic"):
    """``wp.atomic_add(array, i, value)`` and its like, as a statement; `op` is the built-in's name.

    With a `result`, ``old = wp.atomic_add(array, i, value)``: what the cell held before; `inline`, it stands in the
    place of the result in the next statement, ``x[wp.atomic_add(array, i, value)] = y``.  `compare` is what
    `atomic_cas` compares it with.
    """

    op: str
    array: str
    indices: tuple[Expression, ...]
    value: Expression
    compare: Expression | None = None
    result: Name | None = None
    inline: bool = False


class TileStore(Node, frozen=True, tag="tile-store"):
    """``wp.tile_store(array, value, offset=(i, j))``, a tile put into an array, or added to it: `op` is the name."""

    op: str
    array: str
    offset: tuple[Expression, ...]
    value: Expression


class If(Node, frozen=True, tag="if"):
    """``if``/``else``; an `orelse` that is a single `If` is written ``elif``."""

    test: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()


class For(Node, frozen=True, tag="for"):
    """``for name in range(start, stop, step)``; `start` and `step` may be left out as in Python."""

    name: str
    stop: Expression
    body: tuple[Statement, ...]
    start: Expression | None = None
    step: Expression | None = None


class While(Node, frozen=True, tag="while"):
    """``while test``."""

    test: Expression
    body: tuple[Statement, ...]


class Break(Node, frozen=True, tag="break"):
    """Leaves the innermost loop."""


class Continue(Node, frozen=True, tag="continue"):
    """Goes on with the next iteration of the innermost loop."""


class Return(Node, frozen=True, tag="return"):
    """Ends this thread or, in a function, gives the caller `values`."""

    values: tuple[Expression, ...] = ()


class Evaluate(Node, frozen=True, tag="evaluate"):
    """A call for its effects alone."""

    value: Call


class Contribute(Node, frozen=True, tag="contribute"):
    """``wp.adjoint[x] += value``, in a gradient of a function's own: to that with respect to the parameter `target`."""

    target: Name
    value: Expression


class Unpack(Node, frozen=True, tag="unpack"):
    """``a, b = f(x)``, or ``a, b = b, a``: all values are computed before the first target is assigned."""

    targets: tuple[Target, ...]
    values: tuple[Expression, ...]


Statement: TypeAlias = (
    ThreadIndex
    | Assign
    | AugmentedAssign
    | Atomic
    | TileStore
    | If
    | For
    | Break
    | Continue
    | Return
    | While
    | Evaluate
    | Contribute
    | Unpack
)


# ---------------------------------------------------------------- programs


class Parameter(Node, frozen=True, tag="parameter"):
    """A parameter of a kernel or a function, and the values that it may take.

    `low` and `high` bound, inclusively, the values of a scalar or of each cell of an array, so that the
    kernel is defined for every value between them; for an output array they bound what it holds before
    the launch.  `shape` is the shape of an array, in elements.  `default` is for functions alone.  No two cells of an
    array that is `distinct`, of whole numbers, are alike.  A `generic` parameter has a type here, and none in the text:
    ``Any`` (``any``), or any float (``float``), whole number (``int``) or one of both (``scalar``).  One with `axes`,
    for functions alone, takes an indexed array that is indexed along those: ``wp.indexedarray(dtype=wp.float32)``.  One
    that is a `reference`, for functions alone, is the variable, or the part of one, that the caller names:
    ``x: wp.ref[wp.float32]``.
    """

    name: str
    type: Type
    low: int | float
    high: int | float
    shape: tuple[int, ...] = ()
    output: bool = False
    default: Literal | None = None
    distinct: bool = False
    generic: str | None = None
    axes: tuple[int, ...] = ()
    reference: bool = False


class StructParameter(Node, frozen=True, tag="struct"):
    """A parameter of the kernel that is a struct or, with `ndim` dimensions, an array of structs.

    Each of its fields is a `Parameter` of its own, called ``name.field``, with the values that it may take.  Those of
    an array of structs are arrays of one shape; the kernel may write some of them and read others.
    """

    name: str
    type: Type
    ndim: int = 0


class IndexedParameter(Node, frozen=True, tag="indexed"):
    """A parameter of the kernel that is an indexed array: ``wp.indexedarray(dtype=wp.float32, ndim=2)``.

    It is made of `Parameter`s of their own: an array with the elements, ``name.data``, and for each of `axes` an array
    of int32, ``name.index0``, of the places along that axis of the data that it has.  An axis without one is that of
    the data.  The kernel reads and writes it as an array of as many dimensions.
    """

    name: str
    axes: tuple[int, ...]


class Passed(Node, frozen=True, tag="passed"):
    """A parameter of a function that is a function itself, ``f: wp.Function``: in this instance, `function`."""

    name: str
    function: str


class Closure(Node, frozen=True, tag="closure"):
    """That a function is made by a Python function, ``scaled = make_blend(0.25, square)``, and what it captures.

    The body has the numbers as constants of those names, and calls the functions through theirs.  Functions of one
    factory are one text.
    """

    factory: str
    numbers: tuple[Constant, ...] = ()
    functions: tuple[Passed, ...] = ()


class Function(Node, frozen=True, tag="function"):
    """A function (``@wp.func``) of the program; `type` is that of its result, `VOID` if it has none.

    One called ``lerp__1`` is the first of several that the text calls ``lerp``: overloads, or instances of one generic
    function for several types.

    Its first parameters may be functions, `passed`; it is an instance for those then, and others for others have its
    name and its text.  With a `closure`, it is made by a factory.

    With `slopes` it has a gradient of its own (``@wp.func_grad``): of its one result with respect to each parameter
    that is a float, in their order.  One that takes more than a line for each is written out, the `adjoint`, over the
    parameters and the `cotangents`.  With `replay` the backward pass runs that instead (``@wp.func_replay``).
    """

    name: str
    type: Type
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    slopes: tuple[Expression, ...] = ()
    replay: tuple[Statement, ...] = ()
    passed: tuple[Passed, ...] = ()
    closure: Closure | None = None
    adjoint: tuple[Statement, ...] = ()

    @property
    def through(self) -> dict[str, str]:
        """The names by which it calls the functions that it was given or captured."""
        captured = () if self.closure is None else self.closure.functions
        return {given.function: given.name for given in (*self.passed, *captured)}

    @property
    def inclined(self) -> tuple[Parameter, ...]:
        """The parameters that a gradient of its own is with respect to."""
        return tuple(p for p in self.parameters if _is_inclined(p.type))

    @property
    def results(self) -> tuple[Type, ...]:
        """The types of the values that it returns."""
        return self.type.items if isinstance(self.type, Tuple) else () if self.type is types.VOID else (self.type,)

    @property
    def cotangents(self) -> tuple[Name, ...]:
        """What a gradient of its own is given behind the parameters: the cotangent of each result."""
        if len(self.results) == 1:
            return (Name(self.type, "adj_ret"),)
        return tuple(Name(of, f"adj_ret{n}") for n, of in enumerate(self.results))

    @property
    def own_gradient(self) -> tuple[Statement, ...]:
        """The statements of a gradient of its own, if it has one."""
        if not self.slopes:
            return self.adjoint
        (cotangent,) = self.cotangents
        return tuple(
            Contribute(Name(p.type, p.name), Apply(self.type, "mul", (slope, cotangent)))
            for p, slope in zip(self.inclined, self.slopes, strict=False)
        )


def _is_inclined(of: Type) -> bool:
    return isinstance(of, Scalar | Vector) and types.element_scalar(of).is_float


class Options(Node, frozen=True, tag="options"):
    """How Warp is told to build a kernel, where not by default: a parameter of the decorator, or of its module.

    Constant loops of up to `max_unroll` iterations are unrolled.  `mode` is ``debug`` or ``release``.  With
    `component_overwrites`, components of locals may be assigned more than once: that is a setting of `wp.config`, under
    which the module is built, and stands in front of all else.
    """

    enable_backward: bool | None = None
    max_unroll: int | None = None
    fuse_fp: bool | None = None
    mode: str | None = None
    component_overwrites: bool | None = None

    @property
    def of_config(self) -> dict[str, bool]:
        """Those of `wp.config`; the module is the kernel's own then, too."""
        given = {"enable_vector_component_overwrites": self.component_overwrites}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def of_module(self) -> dict[str, int | str]:
        """Those of the module, which is the kernel's own then."""
        given = {"max_unroll": self.max_unroll, "fuse_fp": self.fuse_fp, "mode": self.mode}
        return {name: value for name, value in given.items() if value is not None}


class Program(Node, frozen=True, tag="program"):
    """One kernel, with the functions that it calls and the launch it is made for.

    A function calls only functions before it.  A generic kernel is instantiated for each scalar type of `overloads`,
    among them that of its generic parameters here, with which it is launched.  With a `block_dim`, blocks of so many
    threads work on tiles together: ``wp.launch_tiled``, in which every block is one place of the launch.  How
    `annotations` are written, where there are several ways, is one of the manners of `strategies.language.render`.
    """

    name: str
    category: str
    launch: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    functions: tuple[Function, ...] = ()
    structs: tuple[StructParameter, ...] = ()
    indexed: tuple[IndexedParameter, ...] = ()
    overloads: tuple[Type, ...] = ()
    options: Options | None = None
    block_dim: int = 0
    annotations: tuple[str, ...] = ()

    def __repr__(self) -> str:
        from strategies.language.render import render

        return render(self)

    def parameter(self, name: str) -> Parameter:
        """The parameter called `name`; `KeyError` if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def function(self, name: str) -> Function:
        """The function called `name`; `KeyError` if there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)

    @property
    def arrays(self) -> tuple[Parameter, ...]:
        """The parameters that are arrays."""
        return tuple(p for p in self.parameters if isinstance(p.type, Array))

    @property
    def outputs(self) -> tuple[Parameter, ...]:
        """The arrays that the kernel writes."""
        return tuple(p for p in self.parameters if p.output)


# ---------------------------------------------------------------- traversal


#: The words of an annotation whose field holds no node.
_PLAIN: Final = frozenset(("tuple", "str", "int", "float", "bool", "None", "Type"))


@cache
def _branches(of: type[Node]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes: looking at each value instead takes three times as long."""
    plain = {name for name, text in inspect.get_annotations(of).items() if set(re.findall(r"\w+", text)) <= _PLAIN}
    return tuple(name for name in of.__struct_fields__ if name not in plain)


def _below(node: Node) -> list[Node]:
    found: list[Node] = []
    for name in _branches(type(node)):
        value = getattr(node, name)
        if isinstance(value, tuple):
            found += [item for item in value if isinstance(item, Node)]
        elif isinstance(value, Node):
            found.append(value)
    return found


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the order of the source."""
    return iter(_below(node))


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    return iter(_nodes_of(node)) if isinstance(node, Program) else _walked(node)


def _walked(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(_below(node))


@remembered
def _nodes_of(program: Program) -> tuple[Node, ...]:
    """The nodes of a whole program, which is asked about a dozen times in a row."""
    return tuple(_walked(program))


def statements(body: Iterable[Statement]) -> Iterator[Statement]:
    """The statements of `body` and of the blocks within, parents first."""
    for statement in body:
        yield statement
        if isinstance(statement, If | For | While):
            yield from statements(statement.body)
            if isinstance(statement, If):
                yield from statements(statement.orelse)


def names_in(nodes: Iterable[Node]) -> set[str]:
    """The variables and the arrays that stand somewhere in `nodes`."""
    found: set[str] = set()
    for whole in nodes:
        for node in walk(whole):
            if isinstance(node, Name | For):
                found.add(node.name)
            elif isinstance(node, Element | Extent | View | Atomic | TileStore):
                found.add(node.array)
    return found


def root(node: Expression) -> Expression:
    """The variable, or the array element, that a component, a field or a slice is part of."""
    while isinstance(node, Component | Field | Part):
        node = node.base
    return node


def changed_name(target: Target) -> str:
    """The variable or the array that an assignment to `target` changes; `TypeError` if there is none."""
    match root(target):
        case Name(name=name) | Element(array=name):
            return name
    raise TypeError(f"{target!r} cannot be assigned")


def size(node: Node) -> int:
    """How many nodes there are."""
    return 1 + sum(size(child) for child in children(node))


def rebuild(node: Any, change: Callable[[Node], Node]) -> Any:
    """`node` with `change` applied to each node directly below it; the same object if nothing changed."""
    of: type[Node] = type(node)
    updates = {}
    for name in _branches(of):
        value = getattr(node, name)
        if isinstance(value, Node):
            new: Any = change(value)
        elif isinstance(value, tuple) and any(isinstance(item, Node) for item in value):
            new = tuple(change(item) if isinstance(item, Node) else item for item in value)
            if all(a is b for a, b in zip(new, value, strict=True)):
                new = value
        else:
            continue
        if new is not value:
            updates[name] = new
    return msgspec.structs.replace(node, **updates) if updates else node


# ---------------------------------------------------------------- JSON


def encode_type(value: object) -> str:
    """The JSON form of a type of the kernel language."""
    if isinstance(value, Type):
        return value.notation
    raise NotImplementedError(f"{value!r} has no JSON form")


def decode_type(wanted: type, value: object) -> object:
    """The type of the kernel language that `encode_type` wrote as `value`."""
    if wanted is Type and isinstance(value, str):
        return types.parse(value)
    raise ValueError(f"{value!r} is not a type of the kernel language")


_encoder = msgspec.json.Encoder(enc_hook=encode_type)
_decoder = msgspec.json.Decoder(Program, dec_hook=decode_type)


def encode(node: Node) -> bytes:
    """`node` as one line of JSON."""
    return _encoder.encode(node)


def decode(text: bytes | str) -> Program:
    """The program written as `text`; `msgspec.ValidationError` or `msgspec.DecodeError` if it is none."""
    return _decoder.decode(text)
