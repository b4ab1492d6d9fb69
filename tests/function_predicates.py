"""What functions and their calls may hold, for tests of how often they do."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from harness.shrink.tree import targets_of
from strategies.calls import tested
from strategies.language.kept import keeps
from strategies.language.nodes import (
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Compare,
    Element,
    Expression,
    For,
    Function,
    Literal,
    Logical,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Unpack,
    View,
    walk,
)
from strategies.language.rules import bound_arguments
from strategies.language.types import BOOL, INT32
from strategies.language.unrolling import is_dynamic


def settles_a_test(program: Program) -> bool:
    """Whether a call gives a literal for what a test of the function reads, or leaves it to its default."""
    for call in (node for node in walk(program) if isinstance(node, Call) and not node.derivative):
        function = program.function(call.function)
        decisive = tested(function.body)
        given = [(p, a) for p, a in bound_arguments(function, call) if p.name in decisive]
        if any(isinstance(argument, Literal) for _, argument in given):
            return True
    return False


def ends_alike(program: Program) -> bool:
    """Whether ways out of a function return the same."""
    for function in program.functions:
        ends = [node.values for statement in function.body for node in walk(statement) if isinstance(node, Return)]
        if len(set(ends)) < len(ends):
            return True
    return False


def returns_twice(program: Program) -> bool:
    """Whether a function returns one number twice at once."""
    ends = [node.values for node in walk(program) if isinstance(node, Return)]
    return any(len(set(values)) < len(values) for values in ends)


def exchanges_in_vain(program: Program) -> bool:
    """Whether a loop does nothing but exchange two locals, an even number of times."""
    for loop in (node for node in walk(program) if isinstance(node, For) and node.start is None):
        match loop.body, loop.stop:
            case (Unpack(targets=(a, b), values=values),), Literal(value=trips) if trips:
                if values == (b, a) and int(trips) % 2 == 0:
                    return True
    return False


def changes_a_count(statement: Statement) -> bool:
    return any(isinstance(node, AugmentedAssign | Atomic) for node in walk(statement))


def shows_its_replay(function: Function) -> bool:
    """Whether it would show in an array that a function ran once more instead of its replay."""
    return bool(function.replay) and any(map(changes_a_count, function.body))


def is_counter(function: Function) -> bool:
    """Whether a function returns a whole number that it keeps in an array."""
    return function.type is INT32 and any(p.output for p in function.parameters)


def rereads_what_a_call_changed(program: Program) -> bool:
    """Whether the kernel reads an array that a function changes for it."""
    changed = {
        argument.name
        for call in walk(program)
        if isinstance(call, Call)
        for parameter, argument in bound_arguments(program.function(call.function), call)
        if parameter.output
    }
    return any(isinstance(n, Element) and n.array in changed for statement in program.body for n in walk(statement))


def reads_between_changes(program: Program) -> bool:
    """Whether a local is read between two statements that change it or a part of it."""
    changed: dict[str, int] = {}
    read: dict[str, int] = {}
    for number, statement in enumerate(program.body):
        if isinstance(statement, Assign) and not isinstance(statement.target, Element):
            for node in walk(statement.value):
                name = getattr(node, "name", "")
                if name in changed:
                    read[name] = number
        target = getattr(statement, "target", None)
        while target is not None and not hasattr(target, "name"):
            target = getattr(target, "base", None)
        if target is not None:
            if read.get(target.name, -1) > changed.get(target.name, number):
                return True
            changed[target.name] = number
    return False


def calls_another(function: Function) -> bool:
    """Whether a function with a gradient of its own calls another function."""
    calls = (isinstance(node, Call) for statement in function.body for node in walk(statement))
    return bool(function.own_gradient) and any(calls)


def keeps_a_place(function: Function) -> bool:
    """Whether the replay of a function reads what it returned out of an array."""
    return keeps(function) is not None


def asks_for_gradients(program: Program) -> bool:
    """Whether the gradient of a function is asked for."""
    return any(isinstance(node, Call) and node.derivative for node in walk(program))


def asks_of_a_plain_function(program: Program) -> bool:
    """Whether that of a function without a gradient of its own is."""
    calls = (node for node in walk(program) if isinstance(node, Call) and node.derivative)
    return any(not program.function(call.function).own_gradient for call in calls)


def calls_in_a_dynamic_loop(program: Program) -> bool:
    """Whether a function with a gradient of its own is called in a loop whose bounds only a run knows."""
    loops = [node for node in walk(program) if isinstance(node, For) and is_dynamic(node)]
    called = {node.function for loop in loops for node in walk(loop) if isinstance(node, Call)}
    return any(program.function(name).own_gradient for name in called)


def passes_a_part(program: Program) -> bool:
    """Whether a function is given a row or a slice of an array."""
    calls = (node for node in walk(program) if isinstance(node, Call))
    return any(isinstance(argument, View) for call in calls for argument in call.arguments)


def compares_with_itself(program: Program) -> bool:
    """Whether a comparison has a local, and the element that it was defined as, neither of which changes."""
    times = Counter(target.name for node in walk(program) for target in targets_of(node) if isinstance(target, Name))
    inputs = {p.name for p in program.arrays if not p.output}
    known = {
        node.target.name: node.value
        for node in walk(program)
        if isinstance(node, Assign)
        and isinstance(node.target, Name)
        and times[node.target.name] == 1
        and isinstance(node.value, Element)
        and node.value.array in inputs
    }
    for node in walk(program):
        if isinstance(node, Compare):
            originals = [known.get(getattr(operand, "name", ""), operand) for operand in node.operands]
            if any(a == b and not isinstance(a, Call) for a, b in pairwise(originals)):
                return True
    return False


def joins_alike(program: Program) -> bool:
    """Whether two operands of an ``and`` or an ``or`` are about one number, or one truth value."""
    for node in walk(program):
        if isinstance(node, Logical):
            about = [_subjects(operand) for operand in node.operands]
            if any(one & other for n, one in enumerate(about) for other in about[:n]):
                return True
    return False


def _subjects(test: Node) -> set[Expression]:
    compared = [node for node in walk(test) if isinstance(node, Compare)]
    flags = {node for node in walk(test) if isinstance(node, Name | Element) and node.type is BOOL}
    return flags | {o for node in compared for o in node.operands if not isinstance(o, Literal | Call)}


def all_parameters(program: Program) -> list[Parameter]:
    """Those of the kernel and of its functions."""
    return [p for owner in (program, *program.functions) for p in owner.parameters]
