"""Rewrites that avoid defects of operators and conversions of numbers."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from harness.rewrites.base import (
    acts,
    calls_one_of,
    everywhere,
    is_element,
    links_of,
    register,
    writing_functions,
)
from strategies.language import types
from strategies.language.hashing import defined_names, unused_name
from strategies.language.nodes import (
    Apply,
    Assign,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Expression,
    Field,
    For,
    Function,
    Literal,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    rebuild,
    root,
    walk,
)
from strategies.language.spellings import spelled
from strategies.language.types import (
    BOOL,
    FLOAT16,
    FLOAT32,
    Composite,
    Scalar,
    Tile,
    tile,
)
from strategies.language.unrolling import is_dynamic, max_unroll

#: What looks a random field up by its state.
_NOISE: Final = ("noise", "pnoise", "curlnoise")
_STATE: Final = types.scalar("uint32")


@register
def split_comparison_chains(program: Program) -> Program:
    """``a < b < c[i]`` as ``a < b and b < c[i]``, unless an operand in between has effects: it is evaluated twice.

    A parameter that is a reference is read as an element is.
    """
    writing = writing_functions(program)
    references = {p.name for function in program.functions for p in function.parameters if p.reference}

    def is_read(node: Expression) -> bool:
        return is_element(node) or (isinstance(node, Name) and node.name in references)

    def pattern(node: Expression) -> Expression | None:
        if not isinstance(node, Compare) or len(node.operators) < 2 or not any(map(is_read, node.operands[1:])):
            return None
        if calls_one_of(writing, *node.operands[1:-1]):
            return None
        return links_of(node)

    return everywhere(program, pattern)


@register
def add_slopes_of_divisors(program: Program) -> Program:
    """``a % b`` over floats as ``a % held(b) - wp.trunc(a / b) * (b - held(b))``, and ``a %= b`` alike.

    `held` is a function that gives what it gets, with a gradient of zero: the second term is zero, and has the
    derivative with respect to the divisor.  That with respect to `a` is still what the operator makes of it.
    """
    taken = defined_names(program)
    held: dict[Scalar, Function] = {}

    def constant(value: Expression) -> Expression:
        of = value.type
        assert isinstance(of, Scalar)
        if of not in held:
            name = unused_name(f"held_{of.notation}", taken)
            given = Parameter("value", of, *of.limits)
            held[of] = Function(name, of, (given,), (Return((Name(of, "value"),)),), slopes=(Literal(of, 0.0),))
        return Call(of, held[of].name, (value,))

    def assigned(node: Any) -> Any:
        node = rebuild(node, assigned)
        match node:
            case AugmentedAssign(
                target=Name(type=Scalar() as of)
                | Field(type=Scalar() as of)
                | Component(type=Scalar() as of) as target,
                operator="mod",
            ) if of.is_float and isinstance(root(target), Name):
                return Assign(target, Apply(of, "mod", (target, node.value)))
        return node

    def pattern(node: Expression) -> Expression | None:
        of = node.type
        if not isinstance(node, Apply) or node.op != "mod" or not isinstance(of, Scalar) or not of.is_float:
            return None
        a, b = node.arguments
        whole = Apply(of, "trunc", (Apply(of, "div", (a, b)),))
        nothing = Apply(of, "sub", (b, constant(b)))
        return Apply(of, "sub", (Apply(of, "mod", (a, constant(b))), Apply(of, "mul", (whole, nothing))))

    rewritten = everywhere(assigned(program), pattern)
    return msgspec.structs.replace(rewritten, functions=(*held.values(), *rewritten.functions)) if held else rewritten


@register
def convert_sums_instead_of_loop_variables(program: Program) -> Program:
    """``wp.float64(n)``, `n` a loop's variable or the name of a constant, as ``wp.float64(n + 0)``."""
    constants = _constants(program)

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Cast(operand=Name(name=name, type=Scalar() as of) as operand) if name in constants:
                zero = Literal(of, 0.0 if of.is_float else 0)
                return Cast(node.type, Apply(of, "add", (operand, zero)))
        return None

    return everywhere(program, pattern)


def _constants(program: Program) -> frozenset[str]:
    """The names that Warp may hold to be constants: indices of unrolled loops, and bare literals."""
    found, most = set(), max_unroll(program)
    for node in walk(program):
        match node:
            case For() if not is_dynamic(node, most):
                found.add(node.name)
            case Assign(target=Name(name=name), value=Literal()):
                found.add(name)
    return frozenset(found)


@register
def negate_by_products(program: Program) -> Program:
    """``-x``, `x` a float, as ``x * -1.0 if x == 0.0 else -x``, or as ``x * -1.0`` if `x` must be evaluated once."""
    writing = writing_functions(program)
    #: by their ids: what is so written already
    guarded = {id(node.otherwise) for node in walk(program) if isinstance(node, Conditional) and _is_of_no_zero(node)}

    def pattern(node: Expression) -> Expression | None:
        if not (isinstance(node, Apply) and node.op == "neg" and isinstance(node.type, Scalar) and node.type.is_float):
            return None
        if id(node) in guarded:
            return None
        (operand,) = node.arguments
        product = Apply(node.type, "mul", (operand, Literal(node.type, -1.0)))
        if any(acts(part, writing) for part in walk(operand)):
            return product
        return Conditional(node.type, _is_zero(operand), product, node)

    return everywhere(program, pattern)


def _is_zero(value: Expression) -> Compare:
    return Compare(BOOL, ("==",), (value, Literal(value.type, 0.0)))


def _is_of_no_zero(node: Conditional) -> bool:
    """Whether a choice negates a number only where it is not zero."""
    found = node.otherwise
    return isinstance(found, Apply) and found.op == "neg" and node.test == _is_zero(found.arguments[0])


@register
def negate_equalities(program: Program) -> Program:
    """``a != b``, of vectors and the like, as ``not a == b``."""

    def pattern(node: Expression) -> Expression | None:
        if isinstance(node, Compare) and node.operators == ("!=",) and isinstance(node.operands[0].type, Composite):
            return Apply(BOOL, "unot", (msgspec.structs.replace(node, operators=("==",)),))
        return None

    return everywhere(program, pattern)


@register
def compare_halves_with_zero(program: Program) -> Program:
    """``bool(x)``, `x` a float16, as ``x != wp.float16(0.0)``."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Cast(type=of, operand=operand) if of is BOOL and operand.type is FLOAT16:
                return Compare(BOOL, ("!=",), (operand, Literal(FLOAT16, 0.0)))
        return None

    return everywhere(program, pattern)


@register
def convert_ranges_of_halves(program: Program) -> Program:
    """``wp.tile_arange(4, dtype=wp.float16)`` as a range of float32, converted."""

    def pattern(node: Expression) -> Expression | None:
        match node:
            case Apply(op="tile_arange", type=Tile() as of) if of.dtype is FLOAT16:
                return Apply(of, "tile_astype", (Apply(tile(of.shape, FLOAT32), "tile_arange", ()),))
        return None

    return everywhere(program, pattern)


@register
def copy_states(program: Program) -> Program:
    """``wp.noise(s, x)`` and ``f(s, x)``, `s` a variable that a draw may advance, as ``wp.noise(s + wp.uint32(0), x)``
    and ``f(s + wp.uint32(0), x)``."""

    def copied(node: Expression) -> Expression:
        if isinstance(node, Name) and node.type is _STATE:
            return Apply(node.type, "add", (node, Literal(node.type, 0)))
        return node

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Apply(op=op, arguments=(state, *rest)) if spelled(op)[0] in _NOISE:
                given = (copied(state), *rest)
            case Call(arguments=arguments):
                given = tuple(map(copied, arguments))
            case _:
                return node
        return node if given == node.arguments else msgspec.structs.replace(node, arguments=given)

    rewritten: Program = rebuild(program, change)
    return rewritten
