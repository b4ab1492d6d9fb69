"""Structs: parameters, arrays and locals of them, drawn as variables and arrays that go by the names of their fields.

While a kernel is drawn, the field `mass` of a variable `b` is a variable ``b.mass`` like any other, so that every
statement of the grammar can read and change it; `spelled` writes such names as fields in the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from strategies.inputs import VECTOR_FORMS
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Component,
    Construct,
    Element,
    Expression,
    Extent,
    Field,
    If,
    Literal,
    Name,
    Node,
    Parameter,
    Statement,
    StructParameter,
    rebuild,
)
from strategies.language.structs import leaves
from strategies.language.types import BOOL, INT32, Array, Composite, Scalar, Struct, StructArray, Type, Vector
from strategies.names import ADJOINT, KEYWORDS, NAMES, STRUCTS
from strategies.ops import ATOMICS
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.typed import Typed

#: Between which values a field lies, and whether it has a derivative.
Known: TypeAlias = tuple[Interval, bool]


def field_names(sketch: Sketch, count: int) -> list[str]:
    """The names of the fields of a struct, at times one that C++ keeps for itself."""
    dice = sketch.dice
    names = dice.some_of(NAMES, count)
    if dice.chance(sketch.weights.structs.keyword):
        names[dice.below(count)] = dice.one_of(KEYWORDS)
    return names


def struct_type(sketch: Sketch, inner: Sequence[Struct] = (), arrays: bool = False) -> Struct:
    """A new struct of two to five fields: mostly one of the types `inner`, and an array or more if asked for."""
    dice, weights = sketch.dice, sketch.weights.structs
    table: list[tuple[int, Type]] = [(weights.main, sketch.main), (weights.integer, INT32), (weights.truth, BOOL)]
    table += [(weights.other, of) for of in sorted(sketch.allowed - {sketch.main, INT32, BOOL}, key=repr)]
    if sketch.vectors:
        table += [(weights.vector, types.vector(n, sketch.main)) for n in (3, 2, 4)]
    table += [(weights.form, types.composite(form, sketch.main)) for form in sorted(sketch.forms - VECTOR_FORMS)]
    table += [(weights.inner, of) for of in inner]
    held_arrays = tuple(array_types(sketch)) if arrays else ()
    table += held_arrays
    least, most = weights.fields
    kinds = [sketch.main, *(dice.weighted(tuple(table)) for _ in range(dice.between(least + arrays, most) - 1))]
    if inner and not any(isinstance(of, Struct) for of in kinds) and dice.chance(weights.nested):
        kinds[-1] = dice.one_of(inner)
    if arrays and not any(isinstance(of, Array) for of in kinds):
        kinds[1] = dice.weighted(held_arrays)
    fields = list(zip(field_names(sketch, len(kinds)), kinds, strict=True))
    held = [n for n, (_, of) in enumerate(fields) if isinstance(of, Array)]
    if held and dice.chance(weights.adjoint):
        fields[held[0]] = (ADJOINT, fields[held[0]][1])
    if dice.chance(50):
        fields = [*fields[1:], fields[0]]
    return struct_of(sketch, fields)


def array_types(sketch: Sketch) -> Iterator[tuple[int, Type]]:
    """The types of arrays that a struct may hold: with an element for each thread, or for each of the first axis; a row
    for each; numbers and vectors."""
    weights, own = sketch.weights.structs, len(sketch.launch)
    yield weights.array, types.array(sketch.main, own)
    yield weights.whole_array, types.array(INT32, own)
    if sketch.vectors:
        yield weights.array, types.array(types.vector(3, sketch.main), own)
    yield weights.other_axes, types.array(sketch.main, own + 1 if own == 1 else 1)


def struct_of(sketch: Sketch, fields: Sequence[tuple[str, Type]]) -> Struct:
    """A new struct type with those fields."""
    free = [name for name in STRUCTS if name not in sketch.scope.taken]
    called = sketch.dice.one_of(free)
    sketch.scope.taken.add(called)
    return types.struct(called, fields)


# ---------------------------------------------------------------- parameters


def array_of_structs(
    sketch: Sketch,
    of: Struct,
    written: frozenset[str] = frozenset(),
    bounds: Mapping[str, Interval] | None = None,
    shape: tuple[int, ...] | None = None,
) -> str:
    """A new parameter that is an array of structs, one for each thread unless `shape` says otherwise; the kernel writes
    the fields `written`, and `bounds` are between which values fields lie."""
    name, shape = sketch.fresh(), shape or sketch.launch_shape()
    sketch.structs[name] = types.struct_array(of, len(shape))
    for path, field in leaves(of):
        assert isinstance(field, Scalar | Composite)
        array = types.array(field, len(shape))
        _add(sketch, f"{name}.{path}", array, shape, path in written, (bounds or {}).get(path))
    return name


def struct_parameter(
    sketch: Sketch,
    of: Struct,
    bounds: Mapping[str, Interval] | None = None,
    written: Collection[str] = (),
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> str:
    """A new parameter that is a struct; the kernel writes its arrays `written`, `bounds` are between which values
    fields lie, and `shapes` those of arrays that have no element for each thread."""
    name = sketch.fresh()
    sketch.structs[name] = of
    for path, field in leaves(of):
        shape = () if not isinstance(field, Array) else (shapes or {}).get(path) or _held_shape(sketch, field)
        added = _add(sketch, f"{name}.{path}", field, shape, path in written, (bounds or {}).get(path))
        if not shape:
            sketch.scope.add(Variable(added.name, field, Interval(added.low, added.high)))
    return name


def _held_shape(sketch: Sketch, of: Array) -> tuple[int, ...]:
    """The shape of an array in a struct: that of the launch, its first axis, or a short row for each thread."""
    shape = sketch.launch_shape()[: of.ndim]
    return (*shape, *(sketch.dice.between(2, 4) for _ in range(of.ndim - len(shape))))


def with_arrays(sketch: Sketch, of: Struct) -> str:
    """A new parameter that is a struct with arrays, some of which the kernel writes: of those, some have few cells,
    which threads share."""
    dice, weights = sketch.dice, sketch.weights.structs
    arrays = {path: field for path, field in leaves(of) if isinstance(field, Array)}
    fitting = [
        path
        for path, field in arrays.items()
        if types.element_scalar(field).is_float and field.ndim in (1, len(sketch.launch))
    ]
    written = [path for path in fitting if dice.chance(weights.written)]
    shapes = {
        path: (dice.one_of((1, 3, 4)),) for path in written if arrays[path].ndim == 1 and dice.chance(weights.shared)
    }
    name = struct_parameter(sketch, of, written=written, shapes=shapes)
    numbers = [v for v in sketch.scope if v.name.startswith(f"{name}.") and v.type is not BOOL]
    for variable in dice.some_of(numbers, min(2, len(numbers))):
        # nobody passes settings that nothing reads
        variable.used = False
        sketch.defined.append(variable)
    return name


def written_arrays(sketch: Sketch) -> list[Parameter]:
    """The arrays in structs among the parameters that the kernel writes."""
    return [p for p in sketch.parameters if p.output and isinstance(sketch.structs.get(_whole(p.name)), Struct)]


def _add(
    sketch: Sketch, name: str, of: Type, shape: tuple[int, ...], output: bool, within: Interval | None
) -> Parameter:
    found = sketch.output_interval(of) if output else within or sketch.input_interval(of)
    whole = not types.element_scalar(of).is_float
    low, high = (int(v) if whole else float(v) for v in found)
    parameter = Parameter(name, of, low, high, shape, output)
    sketch.parameters.append(parameter)
    return parameter


# ---------------------------------------------------------------- locals


def loaded(sketch: Sketch, array: str) -> Statement:
    """``b = bodies[i]``."""
    of = sketch.structs[array]
    assert isinstance(of, StructArray)
    cells = {p.name: p for p in sketch.parameters}
    first = next(p for p in sketch.parameters if p.name.startswith(f"{array}."))
    indices = sketch.position(first.shape)
    known = {}
    for path, field in leaves(of.dtype):
        parameter = cells[f"{array}.{path}"]
        known[path] = (Interval(parameter.low, parameter.high), types.element_scalar(field).is_float)
    return local(sketch, of.dtype, Element(of.dtype, array, indices), known)


def constructed(sketch: Sketch, of: Struct, depth: int) -> list[Statement]:
    """``b = Body()`` and a value for each field, or ``b = Body(…)`` with all of them."""
    if sketch.dice.chance(sketch.weights.structs.empty):
        return _filled(sketch, of, depth)
    known: dict[str, Known] = {}
    arguments = tuple(_argument(sketch, name, field, min(depth, 1), known) for name, field in of.fields)
    return [local(sketch, of, Construct(of, arguments), known)]


def _filled(sketch: Sketch, of: Struct, depth: int) -> list[Statement]:
    """``b = Body()``, then its fields one by one, which nothing reads before they have a value."""
    known = {path: (Interval(0, 0), False) for path, _ in leaves(of)}
    mark = sketch.scope.mark()
    body: list[Statement] = [local(sketch, of, Construct(of, ()), known)]
    for variable in sketch.scope.release(mark):
        value = sketch.fit_local(sketch.expression(variable.type, depth))
        variable.interval, variable.live = value.interval, value.live
        body.append(Assign(Name(variable.type, variable.name), value.node))
        sketch.scope.add(variable)
    return body


def _argument(sketch: Sketch, path: str, of: Type, depth: int, known: dict[str, tuple[Interval, bool]]) -> Expression:
    """A value for a field; what its own fields are is added to `known`."""
    if not isinstance(of, Struct):
        value = sketch.fit_local(sketch.expression(of, depth))
        known[path] = (value.interval, value.live)
        return value.node
    others = [name for name in locals_of(sketch, of) if sketch.dice.chance(60)]
    if others:
        source = sketch.dice.one_of(others)
        fields = {v.name: v for v in sketch.scope}
        for inner, _ in leaves(of):
            found = fields[f"{source}.{inner}"]
            known[f"{path}.{inner}"] = (found.interval, found.live)
        return Name(of, source)
    return Construct(of, tuple(_argument(sketch, f"{path}.{n}", field, depth - 1, known) for n, field in of.fields))


def copied(sketch: Sketch, source: str, whole: bool = False) -> Statement:
    """``c = b``, or ``c = b.inner``: a struct is a value, so that changes of one do not show in the other."""
    of = sketch.structs[source]
    assert isinstance(of, Struct)
    value: Expression = Name(of, source)
    inner = [(name, field) for name, field in of.fields if isinstance(field, Struct)]
    prefix = source
    if inner and not whole and sketch.dice.chance(50):
        name, field = sketch.dice.one_of(inner)
        value, prefix, of = Field(field, value, name), f"{source}.{name}", field
    fields = {v.name: v for v in sketch.scope}
    known = {path: (fields[f"{prefix}.{path}"].interval, fields[f"{prefix}.{path}"].live) for path, _ in leaves(of)}
    return local(sketch, of, value, known)


def local(sketch: Sketch, of: Struct, value: Expression, known: Mapping[str, tuple[Interval, bool]]) -> Statement:
    """A new local with `value`, of whose fields the interval and whether they have a derivative is `known`."""
    name = sketch.fresh()
    sketch.structs[name] = of
    paths = list(leaves(of))
    telling = sketch.dice.below(len(paths))
    for n, (path, field) in enumerate(paths):
        interval, live = known[path]
        variable = Variable(
            f"{name}.{path}", field, interval, mutable=True, used=n != telling, live=live,
            loop_depth=len(sketch.loop_trips),
        )  # fmt: skip
        sketch.scope.add(variable)
        sketch.defined.append(variable)
    return Assign(Name(of, name), value)


def locals_of(sketch: Sketch, of: Struct) -> list[str]:
    """The names of the visible locals, and parameters, of struct type `of`."""
    visible = {v.name.partition(".")[0] for v in sketch.scope}
    return [name for name, given in sketch.structs.items() if given is of and name in visible]


def replaced(sketch: Sketch, target: str, source: str) -> Statement:
    """``if condition: b = c``."""
    of = sketch.structs[target]
    assert isinstance(of, Struct)
    test = sketch.condition(sketch.dice.between(1, 2))
    fields = {v.name: v for v in sketch.scope}
    for path, _ in leaves(of):
        old, new = fields[f"{target}.{path}"], fields[f"{source}.{path}"]
        old.interval, old.live = old.interval.join(new.interval), old.live or new.live
    return If(test.node, (Assign(Name(of, target), Name(of, source)),))


def changes(sketch: Sketch, name: str, depth: int) -> list[Statement]:
    """Fields of a local changed: assigned, in place, by component."""
    found: list[Statement | None] = []
    flags = [v for v in sketch.scope if v.name.startswith(f"{name}.") and v.type is BOOL and v.mutable]
    if flags and sketch.dice.chance(sketch.weights.structs.flag):
        flag = sketch.dice.one_of(flags)
        found.append(Assign(Name(BOOL, flag.name), sketch.condition(sketch.dice.between(1, 2)).node))
        flag.used = False
    with sketch.only(f"{name}."):
        for _ in range(sketch.dice.between(1, 2)):
            match sketch.dice.below(5):
                case 0 | 1:
                    found.append(sketch.reassign(depth))
                case 2:
                    found.append(sketch.augment(depth))
                case 3:
                    found.append(sketch.update(depth) or sketch.augment(depth))
                case _ if sketch.dice.chance(sketch.weights.structs.component):
                    found.append(sketch.assign_component(depth) or sketch.reassign(depth))
                case _:
                    found.append(sketch.reassign(depth))
    return [statement for statement in found if statement is not None]


# ---------------------------------------------------------------- results


def put(sketch: Sketch, name: str) -> Statement:
    """``out[i] = b``, in a new array of structs."""
    of = sketch.structs[name]
    assert isinstance(of, Struct)
    paths = [path for path, _ in leaves(of)]
    array = array_of_structs(sketch, of, frozenset(paths))
    for variable in sketch.scope:
        if variable.name.startswith(f"{name}."):
            variable.used = True
    return Assign(Element(of, array, sketch.own_indices()), Name(of, name))


def is_own(sketch: Sketch, array: Parameter) -> bool:
    """Whether an array has an element for each thread."""
    same = len(array.shape) == len(sketch.launch)
    return same and all(n >= m for n, m in zip(array.shape, sketch.launch, strict=True))


def put_in_array(sketch: Sketch, array: Parameter, depth: int) -> list[Statement]:
    """``s.out[i] = e``, ``s.out[i] += e`` or ``wp.atomic_add(s.out, i, e)``: a result in an array of a struct, and an
    atomic where threads share its cells."""
    assert isinstance(array.type, Array)
    dice, of = sketch.dice, array.type.dtype
    value = sketch.fit_local(sketch.result(of, depth))
    if is_own(sketch, array):
        match dice.below(10):
            case 0 | 1 | 2 | 3:
                return [sketch.store(array, value)]
            case 4 | 5 | 6:
                return [sketch.store_sum(array, value)]
        return sketch.scatter(dice.one_of(("atomic_add", "atomic_sub")), array, sketch.own_indices(), value)
    ops = ["atomic_add", "atomic_add", "atomic_sub"]
    if isinstance(of, Scalar) and of.notation in ATOMICS["atomic_max"]:
        ops += ["atomic_max", "atomic_min"]
    return sketch.scatter(dice.one_of(ops), array, tuple(map(sketch.group, array.shape)), value)


def stored(sketch: Sketch, name: str) -> list[Statement]:
    """``out[i] = b``, or field by field, in a new array of structs."""
    of = sketch.structs[name]
    assert isinstance(of, Struct)
    fields = {v.name: v for v in sketch.scope}
    paths = list(leaves(of))
    if sketch.dice.chance(60):
        return [put(sketch, name)]
    some = sketch.dice.some_of(paths, sketch.dice.between(1, len(paths)))
    array = array_of_structs(sketch, of, frozenset(path for path, _ in some))
    return [_put(sketch, array, path, field, sketch.variable(fields[f"{name}.{path}"])) for path, field in some]


def updated(sketch: Sketch, of: Struct, depth: int) -> list[Statement]:
    """Fields of an array of structs computed from its other fields, or added to: ``bodies[i].vel += …``."""
    paths = [(path, field) for path, field in leaves(of) if types.element_scalar(field).is_float]
    some = sketch.dice.some_of(paths, sketch.dice.between(1, max(1, len(paths) - 1)))
    array = array_of_structs(sketch, of, frozenset(path for path, _ in some))
    found = []
    for path, field in some:
        if isinstance(field, Vector) and sketch.dice.chance(sketch.weights.structs.number):
            found.append(_put_number(sketch, array, path, field, depth))
            continue
        value = sketch.fit_local(sketch.result(field, depth))
        found.append(_put(sketch, array, path, field, value, sums=sketch.dice.chance(40)))
    return found


def _put(sketch: Sketch, array: str, path: str, of: Type, value: Typed, sums: bool = False) -> Statement:
    assert isinstance(of, Scalar | Composite)
    parameter = next(p for p in sketch.parameters if p.name == f"{array}.{path}")
    return sketch.store_sum(parameter, value) if sums else sketch.store(parameter, value)


def _put_number(sketch: Sketch, array: str, path: str, of: Vector, depth: int) -> Statement:
    """``bodies[i].vel[1] += x``, or ``bodies[i].vel.y = x``."""
    value = sketch.fit_local(sketch.result(of.dtype, depth))
    place = Element(of, f"{array}.{path}", sketch.own_indices())
    index = Literal(INT32, sketch.dice.below(of.length))
    target = Component(of.dtype, place, index, attribute=sketch.dice.chance(50))
    if sketch.dice.chance(30):
        return Assign(target, value.node)
    return AugmentedAssign(target, sketch.dice.one_of(("add", "sub")), value.node)


# ---------------------------------------------------------------- spelling


def spelled(node: Any, structs: Mapping[str, Type]) -> Any:
    """`node` with names like ``b.mass`` written as fields of the variables and arrays in `structs`."""
    if not isinstance(node, Node):
        return node
    node = rebuild(node, lambda child: spelled(child, structs))
    match node:
        case Name(name=name) if "." in name and not isinstance(node.type, Array):
            whole, *path = name.split(".")
            return _fields(Name(structs[whole], whole), path)
        case Element(array=array, indices=indices) if isinstance(
            of := structs.get(array.partition(".")[0]), StructArray
        ):
            whole, *path = array.split(".")
            return _fields(Element(of.dtype, whole, indices), path)
        case Extent(array=array) if isinstance(structs.get(_whole(array)), StructArray):
            return msgspec.structs.replace(node, array=_whole(array))
    return node


def _whole(name: str) -> str:
    """The variable, or the array, that a name belongs to."""
    return name.partition(".")[0]


def _fields(base: Expression, path: Sequence[str]) -> Expression:
    for name in path:
        assert isinstance(base.type, Struct)
        base = Field(base.type.field(name), base, name)
    return base


def parameters_of(sketch: Sketch) -> tuple[StructParameter, ...]:
    """The structs among the parameters."""
    found = {}
    for parameter in sketch.parameters:
        whole = parameter.name.partition(".")[0]
        of = sketch.structs.get(whole)
        if isinstance(of, StructArray):
            found[whole] = StructParameter(whole, of.dtype, of.ndim)
        elif of is not None:
            found[whole] = StructParameter(whole, of)
    return tuple(found.values())
