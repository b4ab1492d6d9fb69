"""Generic kernels and functions: drawn for one type like others, then written so that they hold for several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from strategies.calls import Callee
from strategies.dice import Dice
from strategies.functions import FunctionSketch
from strategies.language import types
from strategies.language.check import check_program
from strategies.language.generics import NUMBERED, substituted
from strategies.language.nodes import (
    Assign,
    AugmentedAssign,
    Cast,
    Component,
    Construct,
    Element,
    Expression,
    For,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
    rebuild,
    walk,
)
from strategies.language.rules import IllFormed
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, INT32, Array, Composite, Matrix, Scalar, Type, Vector
from strategies.ops import result_type
from strategies.statements import Sketch
from strategies.weights import Generics

FLOATS: Final = (FLOAT16, FLOAT32, FLOAT64)
#: The integers that generic code is instantiated for.
WHOLE: Final = (INT32, types.scalar("int64"), types.scalar("int16"))
#: A part of an array, ``type(a[i])``, is taken so many times less often than a part of a vector's: it reads badly.
PARTS: Final = 3
_PLACEHOLDER: Final = Parameter("out", types.array(FLOAT32), 0.0, 1.0, (1,), output=True)


class Unwritten(Exception):
    """Something has a type that cannot be written but by its name."""


class Likes:
    """Writes the types of one owner's numbers as those of its parameters and locals: ``type(x)(0.5)``."""

    def __init__(
        self,
        dice: Dice,
        weights: Generics,
        of: Scalar,
        parameters: Sequence[Parameter],
        indices: Sequence[tuple[str, int]],
        numeric: bool,
    ) -> None:
        self._dice, self._weights = dice, weights
        self._of = of
        #: whether whole numbers are written so that they are of any type: ``type(x)(2)``
        self._numeric = numeric
        self._known: list[Expression] = []
        for parameter in sorted(parameters, key=lambda p: p.output):
            if types.element_scalar(parameter.type) is of:
                self._known += self._of_parameter(parameter, indices)
        inputs = [p for p in parameters if not p.output and types.element_scalar(p.type) is of]
        #: what most types are taken from: no output if there is something else
        self._favourite = dice.one_of(self._known[: len(inputs)] or self._known) if self._known else None

    def _of_parameter(self, parameter: Parameter, indices: Sequence[tuple[str, int]]) -> Iterable[Expression]:
        """What a type may be taken from that a parameter has: an element at `indices` if it has as many cells."""
        covers = len(parameter.shape) == len(indices)
        covers = covers and all(n >= most for n, (_, most) in zip(parameter.shape, indices, strict=True))
        name = Name(parameter.type, parameter.name)
        if not isinstance(parameter.type, Array):
            yield name
            if isinstance(parameter.type, Vector) and self._dice.chance(self._weights.part // PARTS):
                yield Component(self._of, name, Literal(INT32, 0))
        elif parameter.output or not covers or not self._dice.chance(self._weights.part // PARTS):
            yield name
        else:
            at = tuple(Name(INT32, index) for index, _ in indices)
            yield Element(parameter.type.dtype, parameter.name, at)

    def _taken(self, of: Type) -> Expression:
        """What has the type `of`, or is made of such."""
        fitting = [known for known in self._known if _leads_to(known.type, of)]
        if not fitting:
            raise Unwritten
        if self._favourite in fitting and not self._dice.chance(self._weights.other):
            return self._favourite
        return self._dice.one_of(fitting)

    def written(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        """`body` without the name of the type; `Unwritten` if that cannot be."""
        times = Counter(name.name for s in body for n in walk(s) if (name := _defined(n)) is not None)
        found: list[Statement] = []
        for statement in body:
            found.append(self._change(statement))
            name = _defined(statement)
            if name is not None and times[name.name] == 1 and types.element_scalar(name.type) is self._of:
                self._known.append(name)
        return tuple(found)

    def _change(self, node: Any) -> Any:
        match node:
            case Literal(type=of, value=value) if of is self._of and self._numeric and float(value).is_integer():
                return Cast(of, Literal(INT32, int(value)), like=self._taken(of))
            case Cast(type=of, operand=Literal() as number) if of is self._of and number.type is of:
                return msgspec.structs.replace(number, like=self._taken(of))
            case Literal(type=of) if of is self._of:
                return msgspec.structs.replace(node, like=self._taken(of))
            case Cast(type=of) | Construct(type=of) if types.element_scalar(of) is self._of:
                return msgspec.structs.replace(rebuild(node, self._change), like=self._taken(of))
        return rebuild(node, self._change)


def _defined(node: Node) -> Name | None:
    """The local that a statement defines or changes, if it is a number or several."""
    if isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Name):
        return node.target if isinstance(node.target.type, Scalar | Composite) else None
    return None


def _leads_to(found: Type, of: Type) -> bool:
    while found is not of and isinstance(found, Array | Composite):
        found = found.dtype
    return found is of


def _between_whole_bounds(function: Function) -> Function:
    """A function whose whole numbers lie between whole ones."""

    def bounded(parameter: Parameter) -> Parameter:
        if types.element_scalar(parameter.type).is_float:
            return parameter
        return msgspec.structs.replace(parameter, low=int(parameter.low), high=int(parameter.high))

    return msgspec.structs.replace(function, parameters=tuple(map(bounded, function.parameters)))


def _without_types(sketch: Sketch, parameters: Iterable[Parameter], of: Scalar, numeric: bool) -> tuple[Parameter, ...]:
    """Parameters, those of type `of` without it; if `numeric`, not as those of any float."""
    said = sketch.dice.chance(sketch.weights.generics.any_scalar if numeric else sketch.weights.generics.any_float)
    how = "any" if not said else "scalar" if numeric else "float"
    return tuple(
        msgspec.structs.replace(p, generic=how, default=None) if types.element_scalar(p.type) is of else p
        for p in parameters
    )


def _is_valid(program: Program) -> bool:
    try:
        check_program(program, result_type)
    except IllFormed:
        return False
    return True


def _alone(functions: Sequence[Function]) -> Program:
    """A program of nothing but functions, to be checked."""
    return Program("kernel", "", (1,), (_PLACEHOLDER,), (ThreadIndex(("i",)),), tuple(functions))


# ---------------------------------------------------------------- functions


def generalized(sketch: Sketch, callee: Callee, other: Type | None, numeric: bool = False) -> bool:
    """Write a function that was drawn last as one for any type, with a second instance for `other` if that may be;
    whether it can be written so.  If `numeric`, its numbers are such that every type holds them."""
    function, dice = callee.function, sketch.dice
    of = sketch.main
    whole = [p for p in function.parameters if p.type is INT32 and isinstance(p.low, int) and p.low >= 0]
    places = [(p.name, int(p.high) + 1) for p in whole]
    likes = Likes(dice, sketch.weights.generics, of, function.parameters, places[:1], numeric)
    try:
        body = likes.written(function.body)
    except Unwritten:
        return False
    parameters = _without_types(sketch, function.parameters, of, numeric)
    generic = msgspec.structs.replace(function, parameters=parameters, body=body)
    before = [c.function for c in sketch.callees if c is not callee]
    if not any(p.generic for p in parameters) or not _is_valid(
        _alone([*before, *_numbered([generic, substituted(generic, of, _another(of))])])
    ):
        return False
    found = [generic]
    if numeric and other in WHOLE and dice.chance(sketch.weights.generics.any_int):
        found = _of_whole_numbers(dice, generic, of)
    elif other is not None and not (other is FLOAT64 and _converts_constants(body)):
        old: Type = of
        if not isinstance(other, Scalar):
            old = next(p.type for p in parameters if isinstance(p.type, Vector | Matrix))
        found.append(_between_whole_bounds(substituted(generic, old, other)))
        if not _is_valid(_alone([*before, *_numbered(found)])):
            found.pop()
    sketch.callees.remove(callee)
    numbered = _numbered(found) if len(found) > 1 else found
    sketch.callees += [callee._replace(function=f) for f in numbered]
    return True


def _of_whole_numbers(dice: Dice, generic: Function, of: Scalar) -> list[Function]:
    """Instances, for whole numbers alone, of a function for any number that was drawn for `of`."""
    parameters = tuple(msgspec.structs.replace(p, generic="int") if p.generic else p for p in generic.parameters)
    said = msgspec.structs.replace(generic, parameters=parameters)
    return [_between_whole_bounds(substituted(said, of, whole)) for whole in dice.some_of(WHOLE, dice.between(1, 2))]


def _converts_constants(body: Sequence[Statement]) -> bool:
    """Whether a loop's index, or a local that is a bare literal, is converted: to a type of 64 bits, that is known to
    give the constant itself another type."""
    nodes = [n for s in body for n in walk(s)]
    constants = {n.name for n in nodes if isinstance(n, For)}
    constants |= {
        n.target.name for n in nodes if isinstance(n, Assign) and isinstance(n.target, Name) and _bare(n.value)
    }
    return any(isinstance(n, Cast) and isinstance(n.operand, Name) and n.operand.name in constants for n in nodes)


def _bare(node: Expression) -> bool:
    return isinstance(node, Literal) and node.type is INT32


def _numbered(functions: Sequence[Function]) -> list[Function]:
    """Functions that the text calls by one name."""
    return [
        msgspec.structs.replace(f, name=f"{f.name.partition(NUMBERED)[0]}{NUMBERED}{n}")
        for n, f in enumerate(functions, 1)
    ]


def _another(of: Scalar) -> Scalar:
    """A float type that `of` is not."""
    return FLOAT64 if of is FLOAT32 else FLOAT32


def overloaded(sketch: Sketch, first: Callee, draw: Callable[[Type], Callee], kinds: Sequence[Type]) -> None:
    """Draw further functions with the name of `first`, each for a first parameter of one of `kinds`."""
    found = [first]
    for of in kinds:
        callee = draw(of)
        name = found[0].function.name
        callee = callee._replace(function=msgspec.structs.replace(callee.function, name=name))
        sketch.callees.pop()
        taken = [tuple(p.type for p in c.function.parameters) for c in found]
        if tuple(p.type for p in callee.function.parameters) not in taken:
            found.append(callee)
    sketch.callees[:] = [c for c in sketch.callees if c is not first]
    plain = [_without_defaults(c.function) for c in found]
    numbered = _numbered(plain) if len(plain) > 1 else plain
    sketch.callees += [c._replace(function=f) for c, f in zip(found, numbered, strict=True)]


def _without_defaults(function: Function) -> Function:
    """A function all of whose parameters must be given: overloads are told apart by what is."""
    parameters = tuple(msgspec.structs.replace(p, default=None) for p in function.parameters)
    return msgspec.structs.replace(function, parameters=parameters)


# ---------------------------------------------------------------- kernels


def generic_kernel(sketch: Sketch, body: Sequence[Statement], numeric: bool = False) -> tuple[Statement, ...]:
    """The statements of a kernel written for any type, its parameters too; as they are if that cannot be.  If
    `numeric`, its numbers are such that every type holds them, and it has instances for integers."""
    dice, of = sketch.dice, sketch.main
    functions = tuple(c.function for c in sketch.callees)
    threads = tuple(v.name for v in sketch.indices)
    extents = tuple(zip(threads, sketch.launch, strict=True))
    try:
        written = Likes(dice, sketch.weights.generics, of, sketch.parameters, extents, numeric).written(body)
    except Unwritten:
        return tuple(body)
    parameters = _without_types(sketch, sketch.parameters, of, numeric)
    # what a function has an instance for, it cannot have another one for
    others = [f for f in FLOATS if f is not of and not any(f in _scalars(function) for function in functions)]
    if numeric:
        others = [*(f for f in WHOLE if not any(f in _scalars(function) for function in functions)), *others]
    if _converts_constants(written):
        others = [f for f in others if f is not FLOAT64]
    count = dice.weighted(sketch.weights.generics.overloads)
    chosen = dice.some_of(others[: len(WHOLE)] if numeric else others, max(count, int(numeric)))
    overloads: list[Type] = [*chosen]
    overloads.insert(dice.below(len(overloads) + 1), of)
    whole = Program(
        "kernel",
        "",
        sketch.launch,
        parameters,
        (ThreadIndex(threads), *written),
        functions,
        overloads=(of, (others or [_another(of)])[-1]),
    )
    if not any(p.generic for p in parameters) or not _is_valid(whole):
        return tuple(body)
    kept = [f for f in overloads if f is of or _is_valid(msgspec.structs.replace(whole, overloads=(of, f)))]
    sketch.parameters[:] = parameters
    sketch.overloads = tuple(kept)
    return written


def _scalars(function: Function) -> set[Scalar]:
    return {types.element_scalar(p.type) for p in function.parameters}


__all__ = ["FLOATS", "FunctionSketch", "generalized", "generic_kernel", "overloaded"]
