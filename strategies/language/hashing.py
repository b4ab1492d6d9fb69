"""What makes two programs the same: to the letter, in structure, or in outline."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from functools import cache
from itertools import count
from typing import Any

import msgspec

from strategies.language.closures import made_name
from strategies.language.generics import NUMBERED, text_name
from strategies.language.nodes import (
    Assign,
    Atomic,
    Call,
    Constant,
    Field,
    For,
    Function,
    Item,
    Name,
    Node,
    Program,
    Statement,
    ThreadIndex,
    Unpack,
    encode,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.types import Array, Struct, StructArray, Type

#: 16 bytes: the chance of one collision among a million structures is 1e-27.
DIGEST_BYTES = 16


#: The fields with a default that the first nodes had.  Others came later and are left out where they hold their
#: default, so that the hashes of older programs stay.
_FIRST = ("attribute", "orelse", "start", "step")
#: The fields that say how something is spelled, and no more.
_SPELLINGS = ("enclosed", "hexadecimal", "placed", "short")


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()


@remembered
def content_hash(program: Program) -> str:
    """Equal for equal programs only: names, literals and launch count."""
    return _digest(encode(program))


def structure_hash(program: Program) -> str:
    """Equal for programs that differ in names, literals, value ranges and array lengths only."""
    return _digest(repr(_Shape(program, operators=True).form()).encode())


def outline_hash(program: Program) -> str:
    """Equal for programs that differ, further, only in which operators and built-ins they apply."""
    return _digest(repr(_Shape(program, operators=False).form()).encode())


@cache
def _later_defaults(of: type[Node]) -> dict[str, object]:
    """The fields that nodes of this type got later, with their defaults."""
    fields = msgspec.structs.fields(of)
    return {f.name: f.default for f in fields if f.default is not msgspec.NODEFAULT and f.name not in _FIRST}


class _Shape:
    """The tree as nested tuples, with names numbered in the order in which they appear."""

    def __init__(self, program: Program, operators: bool) -> None:
        self._program = program
        self._operators = operators
        #: the names of the kernel, or of one function
        self._numbers: dict[str, int] = {}
        self._functions = {f.name: n for n, f in enumerate(program.functions)}
        #: the last of the functions of one name in the text
        self._overloaded = {text_name(f.name): n for n, f in enumerate(program.functions)}

    def form(self) -> object:
        program = self._program
        parameters = [(self._number(p.name), _notation(p.type), p.output) for p in program.parameters]
        found: tuple[object, ...] = (len(program.launch), parameters, [self._of(s) for s in program.body])
        if program.options is not None:
            found = (*found, self._of(program.options))
        if program.overloads:
            found = (*found, [of.notation for of in program.overloads])
        if any(p.generic for p in program.parameters):
            found = (*found, [p.generic for p in program.parameters])
        if program.structs:
            found = (*found, [(self._number(s.name), _notation(s.type), s.ndim) for s in program.structs])
        if program.indexed:
            found = (*found, [(self._number(given.name), given.axes) for given in program.indexed])
        if program.block_dim:
            found = (*found, "tiles")
        return (*found, [self._function(f) for f in program.functions]) if program.functions else found

    def _function(self, function: Function) -> object:
        self._numbers = {}
        parameters = [
            (self._number(p.name), _notation(p.type), p.output, None if p.default is None else self._of(p.default))
            for p in function.parameters
        ]
        found: tuple[object, ...] = (_notation(function.type), parameters, [self._of(s) for s in function.body])
        own = (*function.slopes, *function.adjoint, *function.replay)
        found = (*found, [self._of(part) for part in own]) if own else found
        if function.through:
            found = (*found, [self._functions[name] for name in function.through])
        if function.closure is not None:
            found = (*found, len(function.closure.numbers))
        if any(p.axes for p in function.parameters):
            found = (*found, [p.axes for p in function.parameters])
        if any(p.generic for p in function.parameters):
            found = (*found, [p.generic for p in function.parameters])
        return (*found, self._overloaded[text_name(function.name)]) if NUMBERED in function.name else found

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def _of(self, node: Any) -> object:
        if isinstance(node, tuple):
            return tuple(self._of(item) for item in node)
        if not isinstance(node, Node):
            return _notation(node) if isinstance(node, Type) else node
        parts: list[object] = [type(node).__struct_config__.tag]
        defaults = _later_defaults(type(node))
        for field in node.__struct_fields__:
            value = getattr(node, field)
            is_default = field in defaults and value == defaults[field]
            is_number = field == "value" and not isinstance(value, Node)
            if not is_default and not is_number and field not in _SPELLINGS:
                parts.append(self._field(node, field, value))
        return tuple(parts)

    def _field(self, node: Node, field: str, value: Any) -> object:
        """What stands for the value of a field of a node."""
        match field:
            case "field" if isinstance(node, Field):
                assert isinstance(node.base.type, Struct)
                return [name for name, _ in node.base.type.fields].index(value)
            case "function":
                return self._functions[value]
            case "given" if isinstance(node, Call):
                return tuple(self._functions[name] for name in value)
            case "through" if isinstance(node, Call):
                return True
            case "keywords" if isinstance(node, Call):
                known = [p.name for p in self._program.function(node.function).parameters]
                return tuple(known.index(name) for name in value)
            case "name" | "array" if isinstance(value, str):
                return self._number(value)
            case "names":
                return tuple(self._number(name) for name in value)
            case "op" | "operator" if not self._operators:
                return None
            case "operators" if not self._operators:
                return len(value)
        return self._of(value)


def _notation(of: Type) -> str:
    """A type without the names of structs and fields."""
    match of:
        case Struct():
            return f"struct{{{'; '.join(_notation(field) for _, field in of.fields)}}}"
        case Array() | StructArray():
            return f"array{of.ndim}<{_notation(of.dtype)}>"
    return of.notation


def unused_name(base: str, taken: Collection[str]) -> str:
    """``base_1``, or the first of ``base_2`` and so on that is not taken."""
    return next(name for n in count(1) if (name := f"{base}_{n}") not in taken)


def defined_names(program: Program) -> frozenset[str]:
    """Every name that the program binds: functions, parameters, thread indices, locals, loop variables; no types.

    The fields of a struct, each a parameter called ``name.field`` in the tree, are one parameter in the text.
    """
    names = {p.name.partition(".")[0] for p in program.parameters} | {s.name for s in program.structs}
    for function in program.functions:
        names |= {text_name(function.name), *(p.name.partition(".")[0] for p in function.parameters)}
        names |= {*function.through.values()}
        if function.closure is not None:
            names |= {function.closure.factory, made_name(function.closure)}
        if function.own_gradient:
            names |= {f"adj_{text_name(function.name)}", *(c.name for c in function.cotangents)}
        if function.replay:
            names.add(f"replay_{text_name(function.name)}")
    names |= {
        node.name for node in walk(program) if isinstance(node, Item) or (isinstance(node, Constant) and node.is_own)
    }

    def visit(body: Sequence[Statement]) -> None:
        for statement in body:
            match statement:
                case ThreadIndex():
                    names.update(statement.names)
                case Assign(target=Name(name=name)):
                    names.add(name)
                case For():
                    names.add(statement.name)
                case Atomic(result=Name(name=name)):
                    names.add(name)
                case Unpack():
                    names.update(target.name for target in statement.targets if isinstance(target, Name))
            for field in ("body", "orelse"):
                visit(getattr(statement, field, ()))

    visit(program.body)
    for function in program.functions:
        visit((*function.body, *function.adjoint))
    return frozenset(names)
