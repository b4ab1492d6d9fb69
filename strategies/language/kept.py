"""Functions that keep what they return in an array, out of which their replay reads it.

``slot = wp.atomic_add(count, i, 1)``, ``slots[i] = slot``, ``return slot``, with the replay ``return slots[i]``: so
Warp documents how the backward pass finds a value that the function would not give once more.
"""

from __future__ import annotations

from collections import Counter

from strategies.language.nodes import Assign, Call, Element, For, Function, Name, Program, Return, View, While, walk
from strategies.language.remembered import remembered
from strategies.language.rules import bound_arguments
from strategies.language.views import arrays_named


def keeps(function: Function) -> str | None:
    """The array parameter out of which the replay of `function` reads what it returned; None if there is none."""
    match function.replay, function.body[-2:]:
        case (Return(values=(Element() as cell,)),), (
            Assign(target=target, value=Name() as kept),
            Return(values=values),
        ):
            return cell.array if target == cell and values == (kept,) else None
    return None


@remembered
def kept_calls(program: Program) -> frozenset[str]:
    """The functions whose results the backward pass finds as they were: those that keep them, called once, in arrays
    that nothing else names."""
    loops = [node for statement in program.body for node in walk(statement) if isinstance(node, For | While)]
    repeated = {node.function for loop in loops for node in walk(loop) if isinstance(node, Call)}
    repeated |= {node.function for f in program.functions for node in walk(f) if isinstance(node, Call)}
    nodes = [node for statement in program.body for node in walk(statement)]
    calls = [node for node in nodes if isinstance(node, Call)]
    times = Counter(call.function for call in calls)
    named = Counter(arrays_named(node) for node in nodes if isinstance(node, Element | View | Name))
    found = set()
    for call in calls:
        function = program.function(call.function)
        parameter = keeps(function)
        if parameter is None or times[call.function] > 1 or call.function in repeated:
            continue
        given = next(argument for p, argument in bound_arguments(function, call) if p.name == parameter)
        if named[arrays_named(given)] == 1:
            found.add(call.function)
    return frozenset(found)
