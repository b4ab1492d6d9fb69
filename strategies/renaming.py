"""Names that are rare, and that Warp is known to trip over: put into a kernel that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from strategies.dice import Dice
from strategies.language.hashing import defined_names
from strategies.language.nodes import Apply, Call, Function, Name, Node, Passed, Program, ThreadIndex, rebuild, walk
from strategies.language.structs import with_names
from strategies.names import KEYWORDS, OPERATORS

#: One kernel in so many has a variable or a parameter with a name that C++ keeps for itself.
KEYWORD: Final = 400
#: One function in so many that could be called like an operator that it uses is.
OPERATOR: Final = 12


def with_rare_names(dice: Dice, program: Program) -> Program:
    """`program`, at times with a parameter or a variable called like a keyword of C++, or a function called like the
    operator in it."""
    if dice.below(KEYWORD) == 0:
        program = _with_keyword(dice, program)
    for function, op in _like_operators(program):
        if dice.below(OPERATOR) == 0:
            return with_function(program, function.name, op)
    return program


def _with_keyword(dice: Dice, program: Program) -> Program:
    begin = program.body[0]
    own = begin.names if isinstance(begin, ThreadIndex) else ()
    wholes = {*own, *(p.name for p in program.structs), *(p.name for p in program.indexed)}
    parameters = [p.name for p in program.parameters if "." not in p.name]
    inside = {n.name for s in program.body for n in walk(s) if isinstance(n, Name)}
    locals_ = sorted(name for name in inside - wholes - set(parameters) if "." not in name)
    names = parameters if parameters and (not locals_ or dice.chance(75)) else locals_
    free = [word for word in KEYWORDS if word not in defined_names(program)]
    return with_names(program, {dice.one_of(names): dice.one_of(free)}) if names else program


def _like_operators(program: Program) -> Iterator[tuple[Function, str]]:
    """Plain functions, with an operator that each uses on what has the types of its arguments."""
    free = set(OPERATORS) - defined_names(program)
    for function in program.functions:
        if "__" in function.name or function.closure is not None or function.own_gradient or function.replay:
            continue
        given = [p.type for p in function.parameters]
        for node in (n for s in function.body for n in walk(s)):
            if isinstance(node, Apply) and node.op in free and [a.type for a in node.arguments] == given:
                yield function, node.op
                break


def with_function(program: Program, old: str, new: str) -> Program:
    """`program` with another name of a function, wherever it stands."""

    def change(node: Node) -> Any:
        node = rebuild(node, change)
        match node:
            case Function() if node.name == old:
                return msgspec.structs.replace(node, name=new)
            case Call() if old in (node.function, *node.given):
                given = tuple(new if name == old else name for name in node.given)
                return msgspec.structs.replace(
                    node, function=new if node.function == old else node.function, given=given
                )
            case Passed() if node.function == old:
                return msgspec.structs.replace(node, function=new)
        return node

    found: Program = change(program)
    return found
