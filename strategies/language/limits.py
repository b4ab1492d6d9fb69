"""Warp's documented limits on gradients, as a static analysis: one named rule each.

A program outside a limit is valid, and its results are checked; its gradients are not promised by
Warp's documentation ("Limitations and Workarounds" of the user guide's page on differentiability), so
it gets a forward verdict at best.  No rule may be wider than what the documentation says.  The names of the
limits are in `documented`, the rules that follow a kernel statement by statement in `replay`.
"""

from __future__ import annotations

from dataclasses import dataclass

from strategies.language import tiles
from strategies.language.documented import Limit, Traits
from strategies.language.effects import called_functions, effects, function_effects, root_array
from strategies.language.indexed import data_of
from strategies.language.nodes import Apply, Assign, AugmentedAssign, Call, Element, Program, Unpack, walk
from strategies.language.overwrites import Overwrites
from strategies.language.references import referring
from strategies.language.remembered import remembered
from strategies.language.replay import PRODUCTS, Replay
from strategies.language.rules import bound_arguments
from strategies.language.structs import flattened
from strategies.language.types import holds_floats
from strategies.language.unrolling import is_dynamic_loop, max_unroll
from strategies.language.views import arrays_named, roots

__all__ = ["Limit", "Traits", "Written", "crossed", "replayed", "unsteady"]


def crossed(program: Program, traits: Traits, written: Written | None = None, held: bool = False) -> tuple[Limit, ...]:
    """The limits that `program` is outside of, in the order of `Limit`.

    `written` is what is known of a launch; without it, elements that may be one count as one.  Gradients are those
    of inputs, and with `held` of what outputs hold before the launch, too.
    """
    indexed, tiled, refers = _stores_indexed(program), _reduces_tiles(program), _passes_references(program)
    program = flattened(program)
    overwrites = Overwrites(program, None if written is None else written.after_reading)
    active = {p.name for p in program.arrays if (held or not p.output) and holds_floats(p.type)}
    changed = set(unsteady(program, written))
    replay = Replay(program, program, traits, active=active, overwrites=overwrites, unsteady=changed)
    replay.block(program.body)
    found = set(replay.found)
    if _in_place_products(program):
        found.add(Limit.IN_PLACE_PRODUCT)
    if program.options is not None and program.options.enable_backward is False:
        found.add(Limit.NO_BACKWARD)
    if program.options is not None and program.options.component_overwrites:
        found.discard(Limit.COMPONENT_REASSIGNED)
    if tiled:
        found.add(Limit.NOT_DIFFERENTIABLE)
    if indexed:
        found.add(Limit.INDEXED_ARRAY)
    if refers:
        found.add(Limit.REFERENCE)
    return tuple(limit for limit in Limit if limit in found)


def _stores_indexed(program: Program) -> bool:
    """Whether the kernel writes floats to an indexed array."""
    wholes = [program.parameter(data_of(given.name)) for given in program.indexed]
    return any(p.output and holds_floats(p.type) for p in wholes)


def _reduces_tiles(program: Program) -> bool:
    """Whether operations on tiles of floats are documented as not differentiable."""
    return any(
        (isinstance(node, Apply) and node.op in tiles.NOT_DIFFERENTIABLE and holds_floats(node.type))
        or (isinstance(node, Call) and node.folds and holds_floats(node.type))
        or (isinstance(node, Unpack) and tiles.sorts(node) and any(holds_floats(v.type) for v in node.values))
        for node in walk(program)
    )


def _passes_references(program: Program) -> bool:
    """Whether a function that is called changes what it is passed: Warp refuses a backward pass of such a kernel."""
    return any(referring(program.function(name)) for name in called_functions(program))


def _in_place_products(program: Program) -> bool:
    return any(
        isinstance(node, AugmentedAssign)
        and isinstance(node.target, Element)
        and node.operator in PRODUCTS
        # of integers there is no gradient that could be wrong
        and holds_floats(node.target.type)
        for node in walk(program)
    )


@remembered
def replayed(program: Program) -> frozenset[str]:
    """The arrays that may hold something else after a backward pass, in which functions run again."""
    return unsteady(flattened(program))


def unsteady(program: Program, written: Written | None = None) -> frozenset[str]:
    """The arrays that calls change so that it does not come to the same when the functions run again.

    To store once more what a function stored once comes to the same, if the kernel gives it the same arguments.
    """
    inner, parts = function_effects(program), roots(program)
    changed: set[str] = set()
    added: set[str] = set()
    for node in (node for statement in program.body for node in walk(statement)):
        if isinstance(node, Call) and not program.function(node.function).replay:
            for parameter, argument in bound_arguments(program.function(node.function), node):
                array = arrays_named(argument)
                if array is not None and parameter.name in inner[node.function].written:
                    changed.add(parts.get(array, array))
                    if parameter.name in inner[node.function].added:
                        added.add(parts.get(array, array))
    bodies = (program.body, *(program.function(name).body for name in called_functions(program)))
    most = max_unroll(program)
    if any(is_dynamic_loop(node, most) for body in bodies for statement in body for node in walk(statement)):
        # in the backward pass of a dynamic loop a call may get other arguments than it had
        return frozenset(changed)
    if written is not None:
        return frozenset(added | (changed & written.again))
    own = {root_array(n.target) for n in walk(program) if isinstance(n, Assign)}
    again = effects(program).read.union(parts.get(array, array) for array in own if array is not None)
    return frozenset(added | (changed & again))


@dataclass(frozen=True)
class Written:
    """What a launch showed of how threads write."""

    #: the arrays of which a thread wrote an element that it had read
    after_reading: frozenset[str]
    #: the arrays of which a thread wrote an element twice
    again: frozenset[str]

    def more_than(self, other: Written) -> bool:
        """Whether another launch did not show all of this."""
        return not (self.after_reading <= other.after_reading and self.again <= other.again)
