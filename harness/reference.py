"""What a kernel means: the typed tree evaluated with NumPy, all threads at once.

One evaluator, two precisions.  In *native* precision every operation rounds as Warp's does.  In
*float64*, realisations after the first multiply each result by one plus noise of the size of the
kernel's own rounding, so that their spread tells how far two right answers may be apart (Monte Carlo
arithmetic: Parker 1997).  Perturbed inputs, for finite differences, are further lanes of the same
evaluation.

Threads run in lockstep under masks.  That equals any order of threads because programs are free of
races; an inactive lane reads safe values, makes no decisions and prolongs no loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from harness.atomics import Held, exchanged
from harness.control_flow import EVERYWHERE, Activation, ControlFlow, InvalidProgram, item_name, no_lanes
from harness.extremes import Extremes
from harness.lanes import UNDERFLOW, UNIT_ROUNDOFF, Mask, Values, uniform
from harness.places import Part, whole
from strategies.language import types
from strategies.language.check import bound_arguments
from strategies.language.effects import effects, function_effects
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Continue,
    Element,
    Evaluate,
    Expression,
    Extent,
    For,
    If,
    Item,
    Literal,
    Logical,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Slice,
    Statement,
    Static,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    Zeros,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.structs import root
from strategies.language.types import Array, Composite, Matrix, Scalar, Transform, Tuple, Type
from strategies.language.views import arrays_named, definitions
from strategies.ops import EXCHANGES, Decision, OpSpec, overload
from strategies.ops.decisions import truncated
from strategies.ops.random_numbers import advanced
from strategies.ops.spec import Rounding

__all__ = ["Evaluation", "Evaluator", "InvalidProgram"]

#: Realisations of independent rounding noise beside the one without: their spread is the tolerance's raw material.
NOISE_RUNS: Final = 4
#: A decision counts as fragile when its margin is within this many times the margin's own spread.
FRAGILE_FACTOR: Final = 8.0
_DIVISIONS: Final = frozenset(("div", "floordiv", "mod", "cw_div"))
_SHIFTS: Final = frozenset(("lshift", "rshift"))
_OVERFLOWING: Final = frozenset(
    ("add", "sub", "mul", "div", "floordiv", "cw_div", "neg", "abs", "lshift", "dot", "length_sq", "cw_mul")
)

#: Units in the last place of one rounding in float64: smaller noise is lost in the rounding of the reference itself.
_DOUBLE_ULPS: Final = 2.0
#: What Python's operators make of its integers and doubles.
_IN_PYTHON: Final = {"add": np.add, "sub": np.subtract, "mul": np.multiply}

_COMPARE: Final = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass
class Evaluation:
    """What an evaluation found; `cells` are the elements of an array in C order."""

    #: the final contents of each array: realisations, perturbations, cells[, components]
    arrays: dict[str, Values]
    #: for each array, whether a thread read a cell: threads, cells
    reads: dict[str, Mask]
    #: for each array, how often a cell was read: cells
    read_counts: dict[str, Values]
    #: for each array, whether a thread wrote a cell: threads, cells
    writes: dict[str, Mask]
    #: for each array, whether a thread could write a cell if its branches were decided otherwise: threads, cells;
    #: nothing in native precision, whose branches are what Warp takes
    reach: dict[str, Mask]
    #: for each array, whether a number was overwritten by a plain store: cells[, components]
    stored: dict[str, Mask]
    #: the share of each thread in the sum of cotangents times outputs: realisations, perturbations, threads
    loss: Values
    #: threads whose *values* rounding could change by a jump
    fragile: Mask
    #: threads whose *gradients* rounding could change
    kinked: Mask
    #: perturbations, threads: where a perturbation changed a decision
    changed: Mask
    #: threads: the largest magnitude that an operation gave, without noise: what float64's own rounding scales with
    magnitude: Values
    #: threads in which an operation that does not pass over it met or gave what is no finite number
    nonfinite: Mask


#: Operations that are told what to do with NaN and infinities, or whose derivative does not depend on their operands.
PASSES_OVER_NONFINITE: Final = frozenset(
    ("min", "max", "clamp", "sign", "step", "nonzero", "isnan", "isinf", "isfinite", "pos", "neg")
)


def _other(choice: Values, base: Values) -> Mask:
    """Where a choice is another; NaN, of an operand that is none, is the same as NaN."""
    found: Mask = choice != base
    return found & ~((choice != choice) & (base != base)) if choice.dtype.kind == "f" else found


def _moved(argument: Values) -> Values:
    """How far each perturbation moved an operand; infinities and NaN do not move."""
    found = argument - argument[:, :1]
    return np.where(np.isfinite(found), found, 0.0)


def _shaped(values: Values, of: Type) -> Values:
    """`values` with the axes that one value of type `of` has, and lanes in front."""
    return values.reshape(*values.shape[:3], *of.shape) if isinstance(of, Composite) else values


@remembered
def _write_sites(program: Program) -> tuple[tuple[str, tuple[Expression, ...] | None], ...]:
    """Where arrays are written: the name of the array, and the indices, as `_find_write_sites` says."""
    return tuple(_find_write_sites(program))


@remembered
def _fixed_names(program: Program) -> set[str]:
    """The thread indices that nothing assigns to."""
    threads = {name for node in program.body if isinstance(node, ThreadIndex) for name in node.names}
    return threads - {n.target.name for n in walk(program) if isinstance(n, Assign) and isinstance(n.target, Name)}


@remembered
def _views(program: Program) -> dict[str, View]:
    return definitions(program.body)


def _find_write_sites(program: Program) -> Iterator[tuple[str, tuple[Expression, ...] | None]]:
    """Where arrays are written: its name, and the indices of the element, which a call does not tell."""
    inner = function_effects(program)
    for node in (n for statement in program.body for n in walk(statement)):
        targets: tuple[Target, ...] = ()
        match node:
            case Atomic():
                yield node.array, node.indices
            case Assign(target=target) | AugmentedAssign(target=target):
                targets = (target,)
            case Unpack():
                targets = node.targets
            case Call():
                for parameter, argument in bound_arguments(program.function(node.function), node):
                    if parameter.name in inner[node.function].written and (name := arrays_named(argument)):
                        yield name, None
        for target in targets:
            root: Expression = target
            while isinstance(root, Component):
                root = root.base
            if isinstance(root, Element):
                yield root.array, root.indices


@dataclass
class Evaluator(ControlFlow):
    """One evaluation of `program`.

    Args:
        program: what to evaluate.
        inputs: for each parameter its values: an array of shape (perturbations or 1, cells[, components])
            for an array, (1,) or (1, components) for a scalar or vector; of the parameter's own dtype if
            `native`, else floats as float64.
        native: whether floats have the kernel's precision.
        cotangents: for each output array, cells[, components] as float64; may be left out.
        noise: a label for the noise; None for none.
        reverse: whether atomics take the threads from the last to the first; results must not depend on it.
    """

    program: Program
    inputs: Mapping[str, Values]
    native: bool
    cotangents: Mapping[str, Values] = field(default_factory=dict)
    noise: str | None = None
    #: whether atomics take the threads from the last to the first
    reverse: bool = False

    def run(self) -> Evaluation:
        """Evaluate the whole launch."""
        program = self.program
        self._threads = int(np.prod(program.launch))
        #: whether there is one more realisation, in which an operation errs alike in all iterations of a loop
        self._repeats = self.noise is not None and any(isinstance(n, For | While) for n in walk(program))
        self._runs = 1 + (NOISE_RUNS if self.noise is not None else 0) + self._repeats
        self._lanes = max(v.shape[0] for v in self.inputs.values()) if self.inputs else 1
        self._parameters = {p.name: p for p in program.parameters}
        found = effects(program)
        #: arrays that threads add to, or take extremes of, and never overwrite: cells may be shared
        self._shared = found.added - found.stored
        self._noise_used = 0
        self._noise_repeated = 0
        self._noise_pool = self._draw_noise()
        self._here = Activation(arrays={p.name: whole(p.name, p.shape) for p in program.arrays})
        self._arrays: dict[str, Values] = {}
        self._reads: dict[str, Mask] = {}
        self._read_counts: dict[str, Values] = {}
        self._writes: dict[str, Mask] = {}
        self._stored: dict[str, Mask] = {}
        self._extremes: dict[str, Extremes] = {}
        self._iterations = 0
        self._fragile = np.zeros(self._threads, bool)
        self._kinked = np.zeros(self._threads, bool)
        self._changed = np.zeros((self._lanes, self._threads), bool)
        self._loss = np.zeros((self._runs, self._lanes, self._threads))
        self._magnitude = np.zeros(self._threads)
        self._nonfinite = np.zeros(self._threads, bool)
        for parameter in program.parameters:
            self._bind(parameter)
        with np.errstate(all="ignore"):
            self._block(program.body, np.ones((1, 1, self._threads), bool))
            self._settle_loss()
        self._check_races()
        return Evaluation(
            self._arrays,
            self._reads,
            self._read_counts,
            self._writes,
            {} if self.native else self._reach(),
            self._stored,
            self._loss,
            self._fragile,
            self._kinked,
            self._changed,
            self._magnitude,
            self._nonfinite,
        )

    # ------------------------------------------------------------ parameters and numbers

    def _bind(self, parameter: Parameter) -> None:
        values = self.inputs[parameter.name]
        if not isinstance(parameter.type, Array):
            self._here.environment[parameter.name] = values[None]
            self._here.defined[parameter.name] = EVERYWHERE
            return
        cells = int(np.prod(parameter.shape))
        if parameter.output:
            shape = (self._runs, self._lanes, *values.shape[1:])
            self._arrays[parameter.name] = np.broadcast_to(values, shape).copy()
        else:
            self._arrays[parameter.name] = values[None]
        self._track(parameter.name, cells, values.shape[2:])

    def _track(self, name: str, cells: int, components: tuple[int, ...]) -> None:
        """Note what threads do to an array from here on."""
        self._reads[name] = np.zeros((self._threads, cells), bool)
        self._read_counts[name] = np.zeros(cells, np.int64)
        self._writes[name] = np.zeros((self._threads, cells), bool)
        self._stored[name] = np.zeros((cells, *components), bool)

    def _dtype(self, of: Type) -> np.dtype[Any]:
        scalar = types.element_scalar(of)
        if scalar.is_float and not self.native:
            return np.dtype(np.float64)
        return np.dtype("?" if scalar.kind == "bool" else scalar.notation)

    def _zero(self, of: Type) -> Values:
        return np.zeros((1, 1, 1, *((of.length,) if isinstance(of, Composite) else ())), self._dtype(of))

    def _draw_noise(self) -> Values:
        """A pool of noise; operations take consecutive windows of it, at odd strides, again and again."""
        count = 1 << 14
        return 2.0 * uniform(f"noise/{self.noise}", count) - 1.0 if self.noise is not None else np.zeros(0)

    def _next_noise(self, components: tuple[int, ...]) -> Values:
        """Noise between -1 and 1 for one operation: realisations but the first, 1, threads[, components].

        An iteration may round just as the one before: the errors of a loop then add up as they are, not as their
        root.  So in the last realisation an operation errs by all it may, to the same side in every iteration.
        """
        shape = (1, self._threads, *components)
        size = int(np.prod(shape))
        found = self._window(self._noise_used, NOISE_RUNS * size).reshape(NOISE_RUNS, *shape)
        self._noise_used += 1
        if not self._repeats:
            return found
        again = np.copysign(1.0, self._window(self._noise_repeated, size, NOISE_RUNS * size)).reshape(1, *shape)
        self._noise_repeated += 1
        return np.concatenate((found, again))

    def _window(self, number: int, count: int, shift: int = 0) -> Values:
        offset = shift + (number * 7919) % (self._noise_pool.size - count % self._noise_pool.size)
        if offset + count <= self._noise_pool.size:
            return self._noise_pool[offset : offset + count]
        return np.take(self._noise_pool, np.arange(offset, offset + count), mode="wrap")

    def _perturb(self, values: Values, of: Type, ulps: float) -> Values:
        """`values` as an operation with an error of up to `ulps` units in the last place may give them.

        A correctly rounded operation whose result happens to be a float of the kernel's precision has no error.  In
        float64 every result looks like that; there it has none if its operands have none, for the reference rounds
        as Warp does.
        """
        scalar = types.element_scalar(of)
        if self.noise is None or not scalar.is_float or ulps == 0:
            return values
        components = values.shape[3:] if values.ndim > 3 else ()
        factor = np.ones((self._runs, 1, self._threads, *components))
        # an error of half a unit in the last place is at most the unit roundoff, relative to the value
        size = max(ulps, _DOUBLE_ULPS) if scalar.bits == 64 else ulps
        factor[1:] += (2.0 * size * UNIT_ROUNDOFF[scalar.notation]) * self._next_noise(components)
        if ulps <= 0.5:
            base = values[:1, :1]
            exact = base.astype(scalar.notation) == base
            if scalar.bits == 64:
                exact = exact & np.all((values[:, :1] == base) | (base != base), axis=0, keepdims=True)
            factor = np.where(exact, 1.0, factor)
        if scalar.bits < 64:
            # not where there is no noise: adding nothing would turn a negative zero positive
            values = np.where(factor != 1, values + UNDERFLOW[scalar.notation], values)
        return values * factor

    def _round(self, values: Values, of: Type) -> Values:
        """`values` rounded once, to the kernel's own precision: what an operation that does not stop there sees."""
        return values.astype(types.element_scalar(of).notation).astype(values.dtype)

    def _noise(self, of: Type, components: tuple[int, ...]) -> Values:
        """Noise of the size of one rounding, another for each component: realisations, 1, threads[, components]."""
        return self._perturb(np.full((1, 1, 1, *components), 1 / 3), of, 1.0) * 3 - 1

    # ------------------------------------------------------------ decisions

    def _decide(self, decision: Decision, mask: Mask, jump: bool, rounded: Scalar | None = None) -> None:
        """Note the threads that rounding, or a perturbation, could make decide otherwise.

        `rounded` is the type in which what is decided upon was rounded once more than its operands' noise shows.
        """
        choice, distance = decision.choice, decision.distance
        if self.native or (choice.shape[0] == 1 and choice.shape[1] == 1):
            return
        if choice.ndim == 4:
            for n in range(choice.shape[3]):
                part = decision._replace(choice=choice[..., n], distance=distance[..., n])
                self._decide(part, mask, jump, rounded)
            return
        if decision.meets and not jump:
            # equal operands that move together have one derivative: it does not matter which is taken
            mask = mask & np.any(distance[:1] != 0, axis=1, keepdims=True)
        others = np.any(_other(choice, choice[:, :1]) & mask, axis=0)
        self._changed |= others
        first, base = choice[:, 0], choice[0, 0]
        spread = np.max(np.abs(distance[:, 0] - distance[0, 0]), axis=0)
        if rounded is not None and rounded.bits < 64:
            # without any noise, what is rounded is known to the bit, and so is the choice
            once = UNIT_ROUNDOFF[rounded.notation] * (1 + np.abs(choice[0, 0]))
            spread = np.where(spread > 0, spread + once, 0.0)
        near = (distance[0, 0] <= FRAGILE_FACTOR * spread) & (spread > 0)
        fragile = (np.any(_other(first, base), axis=0) | near) & np.any(mask[:, 0], axis=0)
        if jump and decision.jumps:
            self._fragile |= fragile
        self._kinked |= fragile

    # ------------------------------------------------------------ expressions

    def _value(self, node: Expression, mask: Mask) -> Values:
        match node:
            case Literal():
                # through the literal's own type: in float64 mode, too, 0.1 is the float32 nearest to it
                own = np.dtype("?" if node.type.notation == "bool" else node.type.notation)
                return np.full((1, 1, 1), node.value, own).astype(self._dtype(node.type))
            case Constant():
                return self._value(node.value, mask)
            case Static():
                own = np.dtype("?" if node.type.notation == "bool" else node.type.notation)
                return self._in_python(node.value, mask).astype(own).astype(self._dtype(node.type))
            case Name():
                return self._variable(node.name, mask)
            case Apply():
                row, arguments = self._row(node), [self._value(a, mask) for a in node.arguments]
                found = self._apply(row, node, arguments, mask)
                if row.advances and isinstance(node.arguments[0], Name):
                    state = arguments[0]
                    for _ in range(row.advances):
                        state = advanced(state)
                    self._assign(node.arguments[0], state, mask)
                return found
            case Compare():
                return self._compare(node, mask)
            case Logical():
                return self._logical(node, mask)
            case Cast():
                return self._cast(self._value(node.operand, mask), node.operand.type, node.type, mask)
            case Construct():
                return self._construct(node, mask)
            case Component(base=Name(type=Tuple(), name=name), index=Literal() as item):
                return self._variable(item_name(name, int(item.value)), mask)
            case Component():
                base, places = self._value(node.base, mask), self._places(node, mask)
                base, places = self._common(base, places)
                found = np.take_along_axis(base, places, axis=3)
                return found if isinstance(node.type, Composite) else found[..., 0]
            case Element():
                return self._read(node, mask)
            case Extent():
                return self._here.arrays[node.array].shape[node.axis].astype(np.int32)
            case Conditional():
                test = self._value(node.test, mask)
                then = self._value(node.then, mask & test)
                otherwise = self._value(node.otherwise, mask & ~test)
                return self._select(test, then, otherwise)
            case Call():
                (result,) = self._call(node, mask)
                return result
        raise TypeError(f"{node!r} is not an expression")

    def _in_python(self, node: Expression, mask: Mask) -> Values:
        """What Python makes of a static expression: whole numbers, or doubles."""
        match node:
            case Literal(value=value):
                return np.full((1, 1, 1), value)
            case Constant():
                return self._in_python(node.value, mask)
            case Name():
                return self._variable(node.name, mask).astype(np.int64)
            case Item():
                index = self._in_python(node.index, mask)
                if np.any(mask & ((index < 0) | (index >= len(node.values)))):
                    raise InvalidProgram(f"{self.program.name} reads outside of {node.name!r}")
                return np.take(np.array([v.value for v in node.values]), index, mode="clip")
            case Apply(op=op, arguments=arguments):
                parts = [self._in_python(argument, mask) for argument in arguments]
                return np.asarray(_IN_PYTHON[op](*parts))
        raise TypeError(f"{node!r} is not static")

    def _variable(self, name: str, mask: Mask) -> Values:
        value = self._here.environment.get(name)
        if value is not None:
            defined = self._here.defined[name]
            if defined is EVERYWHERE or not (mask & ~defined).any():
                return value
        raise InvalidProgram(f"{self.program.name} reads {name!r} where it has no value")

    def _places(self, node: Component, mask: Mask) -> Values:
        """Which numbers of a value a component is, on the last axis: one, a row, or a part of a transformation."""
        of = node.base.type
        assert isinstance(of, Composite)
        if isinstance(of, Transform) and node.attribute:
            assert isinstance(node.index, Literal)
            return np.arange(3 if node.index.value == 0 else 4).reshape(1, 1, 1, -1) + 3 * int(node.index.value)
        found: Values = self._component_index(self._value(node.index, mask), of.shape[0], mask)[..., None]
        if isinstance(of, Matrix):
            if node.column is None:
                return found * of.columns + np.arange(of.columns)
            column = self._component_index(self._value(node.column, mask), of.columns, mask)
            return found * of.columns + column[..., None]
        return found

    def _component_index(self, index: Values, length: int, mask: Mask) -> Values:
        """Which component of a vector is meant; inside the vector for inactive lanes too."""
        outside = (index < 0) | (index >= length)
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} reads or writes a component that a vector does not have")
        return np.where(outside, 0, index).astype(np.int64)

    @staticmethod
    def _common(base: Values, places: Values) -> tuple[Values, Values]:
        """A value and the places of some of its numbers, broadcast to the same lanes."""
        lanes = np.broadcast_shapes(base.shape[:3], places.shape[:3])
        return np.broadcast_to(base, (*lanes, base.shape[3])), np.broadcast_to(places, (*lanes, places.shape[3]))

    @staticmethod
    def _row(node: Apply) -> OpSpec:
        return overload(node.op, node.argument_types)

    def _apply(self, row: OpSpec, node: Apply, arguments: list[Values], mask: Mask) -> Values:
        if row.shaped:
            arguments = [_shaped(a, given.type) for a, given in zip(arguments, node.arguments, strict=True)]
        elif any(a.ndim == 4 for a in arguments):
            arguments = [a if a.ndim == 4 else a[..., None] for a in arguments]
        first = node.arguments[0].type if node.arguments else node.type
        if row.decides_on_rounded and row.decisions is not None:
            for decision in row.decisions(lambda v: self._round(v, first), *arguments):
                self._decide(decision, mask, row.jumps, types.element_scalar(first))
        elif row.decisions is not None:
            for decision in row.decisions(*arguments):
                self._decide(decision, mask, row.jumps)
        if row.error(node.type) > 0 and row.name not in ("add", "sub"):
            arguments = [self._perturb_adjoint(a, node.arguments[n].type) for n, a in enumerate(arguments)]
        if row.decides_on_rounded:
            found = row.reference(lambda v: self._round(v, first), *arguments)
        elif row.composite:
            rounded = first if types.element_scalar(first).is_float else node.type
            found = row.reference(self._rounding(rounded), *arguments)
        else:
            found = row.reference(*arguments) if arguments else row.reference(node.type)
        found = np.asarray(found).astype(self._dtype(node.type), copy=False)
        if row.shaped and isinstance(node.type, Composite):
            found = found.reshape(*found.shape[:3], node.type.length)
        if self.native:
            self._check_defined(row, arguments, found, mask)
        else:
            self._note_nonfinite(row, (found, *arguments), mask)
            if found.dtype.kind == "f":
                self._note_magnitude(found, mask)
        if row.adjoint_noise is not None and self.noise is not None:
            slopes = row.adjoint_noise(*arguments)
            if row.shaped:
                found = self._perturb_slopes(found, slopes, arguments, node.type)
            else:
                found = self._perturb_slope(found, slopes, arguments, node.type)
        if row.composite:
            return found
        if row.error_floor and self.noise is not None:
            return self._perturb(found + row.error_floor, node.type, row.error(node.type)) - row.error_floor
        return self._perturb(found, node.type, row.error(node.type))

    def _rounding(self, of: Type) -> Rounding:
        """One rounding of an operation inside a built-in.

        Its result may happen to be a float that is exact.  Not so in float64, where every result of the reference
        looks like that: there, another order of the same operations rounds otherwise.
        """
        ulps = 0.5 if types.element_scalar(of).bits < 64 else _DOUBLE_ULPS
        return lambda v: self._perturb(v, of, ulps)

    def _note_magnitude(self, found: Values, mask: Mask) -> None:
        size = np.abs(found[0, 0])
        size = size.max(axis=-1) if size.ndim > 1 else size
        size = np.where(mask[0, 0] & np.isfinite(size), size, 0.0)
        self._magnitude = np.maximum(self._magnitude, size)

    def _note_nonfinite(self, row: OpSpec, values: Sequence[Values], mask: Mask) -> None:
        """Note the threads whose derivatives may be NaN by the formula of an adjoint, infinity times zero, say."""
        if row.name in PASSES_OVER_NONFINITE:
            return
        for value in values:
            if value.dtype.kind == "f":
                lost = ~np.isfinite(value[0, 0])
                # a matrix has two axes here
                self._nonfinite |= mask[0, 0] & lost.reshape(lost.shape[0], -1).any(axis=1)

    def _perturb_adjoint(self, argument: Values, of: Type) -> Values:
        """`argument` with the derivative through it scaled by one rounding, and its value left alone.

        Each contribution to an adjoint is rounded by itself.  Noise on values does not show that: it scales
        all paths through an operation alike, and contributions that cancel would go on cancelling.
        """
        if self.noise is None or argument.shape[1] == 1 or argument.dtype.kind != "f":
            return argument
        noisy: Values = argument + self._noise(of, argument.shape[3:]) * _moved(argument)
        return noisy

    def _rounded_slope(self, slope: Values, of: Type) -> Values:
        return slope if self.noise is None else slope * (1 + self._noise(of, ()))

    def _perturb_slope(self, found: Values, slopes: tuple[Values, ...], arguments: list[Values], of: Type) -> Values:
        """`found` with its partial derivatives off by what rounding in the adjoint's formula may do.

        The unperturbed lane stays as it is; the others move by the change of the argument times the error.
        """
        for slope, argument in zip(slopes, arguments, strict=True):
            error = self._noise(of, argument.shape[3:]) / 2
            moved = error * slope[:, :1] * _moved(argument)
            found = found + (moved.sum(axis=-1) if moved.ndim > found.ndim else moved)
        return found

    def _perturb_slopes(self, found: Values, slopes: tuple[Values, ...], arguments: list[Values], of: Type) -> Values:
        """The same for values of several axes: a slope bounds the error of every partial derivative by an argument.

        Slopes have no axes but those of lanes.
        """
        flat = found if found.ndim > 3 else found[..., None]
        for slope, argument in zip(slopes, arguments, strict=True):
            change = argument - argument[:, :1]
            change = change.reshape(*change.shape[:3], -1)
            error = self._noise(of, (flat.shape[3], change.shape[3])) / 2
            flat = flat + slope[:, :1, :, None] * (error * change[..., None, :]).sum(axis=-1)
        return flat if found.ndim > 3 else flat[..., 0]

    # ------------------------------------------------------------ definedness

    def _check_defined(self, row: OpSpec, arguments: list[Values], found: Values, mask: Mask) -> None:
        """Raise `InvalidProgram` where an operation is not defined on its operands.

        For integers that is division by zero, overflow and wide shifts; for floats, what has no finite result.
        """
        if found.dtype.kind == "f":
            self._check_finite(row, arguments, found, mask)
        kind = arguments[0].dtype.kind if arguments else ""
        if kind not in ("i", "u"):
            return
        active = mask[..., None] if found.ndim > 3 or any(a.ndim > 3 for a in arguments) else mask
        bits = 8 * arguments[0].dtype.itemsize
        problem = None
        if row.name in _DIVISIONS and np.any(active & (arguments[1] == 0)):
            problem = "divides an integer by zero"
        elif row.name in _SHIFTS and np.any(active & ((arguments[1] < 0) | (arguments[1] >= bits))):
            problem = "shifts by a negative number of bits, or by too many"
        if problem is not None:
            raise InvalidProgram(f"{self.program.name} {problem}")
        if row.name in _OVERFLOWING and kind == "i":
            if row.name == "lshift":
                wide = arguments[0] * 2.0 ** arguments[1].astype(np.float64)
            elif row.composite:
                wide = row.reference(lambda v: v, *(a.astype(np.float64) for a in arguments))
            else:
                wide = row.reference(*(a.astype(np.float64) for a in arguments))
            wide = wide.reshape(*wide.shape[:3], -1) if wide.ndim > 3 else wide
            self._check_overflow(wide, bits, mask[..., None] if wide.ndim > 3 else mask)

    def _check_overflow(self, wide: Values, bits: int, active: Mask) -> None:
        """Raise `InvalidProgram` if a result, computed as float64, does not fit a signed integer of `bits`."""
        limit = 2.0 ** (bits - 1)
        if np.any(((wide >= limit) | (wide < -limit)) & active):
            raise InvalidProgram(f"{self.program.name} overflows a signed integer")

    def _check_finite(self, row: OpSpec, arguments: list[Values], found: Values, mask: Mask) -> None:
        """Raise `InvalidProgram` where finite operands have no finite result."""

        def finite(values: Values) -> Mask:
            found: Mask = np.isfinite(values)
            return np.asarray(found.all(axis=tuple(range(3, values.ndim))))

        lost = mask & ~finite(found)
        if lost.any():
            for argument in arguments:
                lost = lost & finite(argument)
            if lost.any():
                raise InvalidProgram(f"{self.program.name} has operands of {row.name} without a finite result")

    def _check_races(self) -> None:
        """Raise `InvalidProgram` if two threads store to one cell, or one reads what another writes."""
        for array, writes in self._writes.items():
            if array not in self._shared and np.any(writes.sum(axis=0) > 1):
                raise InvalidProgram(f"two threads of {self.program.name} store to one cell of {array!r}")
            others = writes.sum(axis=0) - writes
            if np.any(self._reads[array] & (others > 0)):
                raise InvalidProgram(f"a thread of {self.program.name} reads what another writes in {array!r}")

    def _compare(self, node: Compare, mask: Mask) -> Values:
        """A chain: each operand is evaluated once, and only where the links before it hold."""
        left = self._value(node.operands[0], mask)
        found: Values = np.ones((1, 1, 1), bool)
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            right = self._value(operand, mask & found)
            link = _COMPARE[operator](left, right)
            if left.dtype.kind == "f":
                self._decide(Decision(link, np.abs(left - right)), mask & found, jump=True)
            found, left = found & link, right
        return found

    def _logical(self, node: Logical, mask: Mask) -> Values:
        every = node.operator == "and"
        found = self._value(node.operands[0], mask)
        for operand in node.operands[1:]:
            needed = found if every else ~found
            value = self._value(operand, mask & needed)
            found = found & value if every else found | value
        return found

    def _cast(self, value: Values, source: Type, target: Type, mask: Mask) -> Values:
        assert isinstance(source, Scalar)
        assert isinstance(target, Scalar)
        if source.is_float and target.is_integer:
            for decision in truncated(value):
                self._decide(decision, mask, jump=True)
            low, high = target.limits
            if self.native and np.any(mask & ~((value > low - 1) & (value < high + 1))):
                raise InvalidProgram(f"{self.program.name} converts a float that {target.notation} cannot hold")
            value = np.where(np.isfinite(value), value, 0)
            return np.trunc(value).astype(np.int64).astype(self._dtype(target))
        if target.kind == "bool":
            if source.is_float:
                self._decide(Decision(value != 0, np.abs(value)), mask, jump=True)
            truth: Values = value != 0
            return truth
        found = value.astype(self._dtype(target))
        rounds = target.is_float and (source.is_integer or source.bits > target.bits)
        return self._perturb(found, target, 0.5) if rounds else found

    def _construct(self, node: Construct, mask: Mask) -> Values:
        assert isinstance(node.type, Composite)
        parts = [self._value(a, mask) for a in node.arguments]
        if not parts:
            return np.zeros((1, 1, 1, node.type.length), self._dtype(node.type))
        if len(parts) == 1:
            parts = parts * node.type.length
        lanes = np.broadcast_shapes(*(p.shape[:3] for p in parts))
        parts = [p[..., None] if p.ndim == 3 else p for p in parts]
        return np.concatenate([np.broadcast_to(p, (*lanes, p.shape[3])) for p in parts], axis=-1)

    # ------------------------------------------------------------ arrays

    def _cell(self, name: str, indices: Sequence[Expression], mask: Mask) -> tuple[str, Values]:
        """The array that an element is in, and its position there, in C order; inside it for inactive lanes too."""
        part = self._here.arrays[name]
        cell, outside = part.cell([self._value(index, mask).astype(np.int64) for index in indices])
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} reads or writes outside {name!r}")
        return part.whole, cell

    def _part(self, node: Expression, mask: Mask) -> Part:
        if isinstance(node, Name):
            return self._here.arrays[node.name]
        assert isinstance(node, View)
        part, outside = self._here.arrays[node.array].part(node, lambda index: self._value(index, mask))
        if np.any(outside & mask):
            raise InvalidProgram(f"{self.program.name} takes a part outside of {node.array!r}")
        return part

    def _make(self, name: str, node: Zeros, mask: Mask) -> Part:
        """A new array for each thread, in one that has as many cells for all of them."""
        assert isinstance(node.type, Array)
        cells = int(np.prod(node.shape))
        # a name with a space is no parameter's
        name = f"own {name}"
        first = whole(name, node.shape)
        if name not in self._arrays:
            dtype = node.type.dtype
            components = () if isinstance(dtype, Scalar) else (dtype.length,)
            shape = (self._runs, self._lanes, self._threads * cells, *components)
            self._arrays[name] = np.zeros(shape, self._dtype(dtype))
            self._track(name, self._threads * cells, components)
        own = np.repeat(np.arange(self._threads), cells)
        active = np.broadcast_to(mask, (self._runs, self._lanes, self._threads))[..., own]
        self._arrays[name][active] = 0
        return Part(name, (np.arange(self._threads) * cells).reshape(1, 1, -1), first.shape, first.strides)

    def _read(self, node: Element, mask: Mask) -> Values:
        array, cell = self._cell(node.array, node.indices, mask)
        base = np.broadcast_to(mask[0, 0], self._threads)
        at = np.broadcast_to(cell[0, 0], self._threads)
        self._reads[array][np.flatnonzero(base), at[base]] = True
        np.add.at(self._read_counts[array], at[base], 1)
        return self._gather(array, cell)

    def _gather(self, array: str, cell: Values) -> Values:
        contents = self._arrays[array]
        if cell.shape[0] == 1 and cell.shape[1] == 1:
            return contents[:, :, cell[0, 0]]
        lanes = (
            max(contents.shape[0], cell.shape[0]),
            max(contents.shape[1], cell.shape[1]),
        )
        contents = np.broadcast_to(contents, (*lanes, *contents.shape[2:]))
        cell = np.broadcast_to(cell, (*lanes, cell.shape[2]))
        if contents.ndim == 4:
            return np.take_along_axis(contents, cell[..., None], axis=2)
        return np.take_along_axis(contents, cell, axis=2)

    def _numbers(self, target: Expression, mask: Mask) -> Values:
        """Which numbers of an array's element a part of it is, on the last axis."""
        if not isinstance(target, Component):
            assert isinstance(target.type, Composite)
            return np.arange(target.type.length).reshape(1, 1, 1, -1)
        found: Values = np.take_along_axis(
            *self._common(self._numbers(target.base, mask), self._places(target, mask)), 3
        )
        return found

    def _write(self, array: str, cell: Values, value: Values, mask: Mask, part: Values | None = None) -> None:
        """Put `value` into one cell a lane, or into the numbers of it at `part`; lanes never share a cell here."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        mask = np.broadcast_to(mask, lanes)
        runs, perturbations, _ = np.nonzero(mask)
        at = np.broadcast_to(cell, lanes)[mask]
        if part is not None:
            shape = (*lanes, part.shape[3])
            places = np.broadcast_to(part, shape)[mask]
            values = np.broadcast_to(value, shape)[mask]
            contents[runs[:, None], perturbations[:, None], at[:, None], places] = values
            return
        shape = (*lanes, *contents.shape[3:])
        contents[runs, perturbations, at] = np.broadcast_to(value, shape)[mask]

    def _mark_writes(self, array: str, cell: Values, mask: Mask, stored: bool, part: Values | None = None) -> None:
        """Note the cells that threads write, or of each the numbers at `part`."""
        base = np.broadcast_to(mask[0, 0], self._threads)
        at = np.broadcast_to(cell[0, 0], self._threads)[base]
        self._writes[array][np.flatnonzero(base), at] = True
        if stored and part is not None:
            places = np.broadcast_to(part[0, 0], (self._threads, part.shape[3]))[base]
            self._stored[array][at[:, None], places] = True
        elif stored:
            self._stored[array][at] = True

    def _reach(self) -> dict[str, Mask]:
        """The cells of each array that each thread could write, whatever branches it took.

        Indices that are made of the thread's own and of constants tell; any others could name every cell.
        """
        found = {array: writes.copy() for array, writes in self._writes.items()}
        nobody = np.zeros((1, 1, 1), bool)
        fixed = _fixed_names(self.program)
        for name, indices in _write_sites(self.program):
            if name not in self._here.arrays:
                continue  # a view that no thread made
            if indices is not None and self._is_fixed_place(name, indices, fixed):
                array, cell = self._cell(name, indices, nobody)
                found[array][np.arange(self._threads), np.broadcast_to(cell[0, 0], self._threads)] = True
            else:
                found[self._here.arrays[name].whole][:] = True
        return found

    def _is_fixed_place(self, name: str, indices: Sequence[Expression], fixed: set[str]) -> bool:
        """Whether an element is the same whatever branches were taken."""
        views = _views(self.program)
        parts: list[Node] = list(indices)
        while name in views:
            parts += views[name].indices
            name = views[name].array
        return all(self._is_fixed(part, fixed) for part in parts)

    def _is_fixed(self, index: Node, fixed: set[str]) -> bool:
        """Whether an index is the same whatever branches were taken, as the names `fixed` are."""
        return all(
            isinstance(node, Literal | Apply | Slice)
            or (isinstance(node, Extent) and node.array in self._parameters)
            or (isinstance(node, Name) and node.name in fixed)
            for node in walk(index)
        )

    def _atomic(self, node: Atomic, mask: Mask) -> None:
        array, cell = self._cell(node.array, node.indices, mask)
        value = self._value(node.value, mask)
        compare = None if node.compare is None else self._value(node.compare, mask)
        self._mark_writes(array, cell, mask, stored=False)
        held = Held(self._arrays[array], self._threads) if node.result is not None else None
        if node.op in ("atomic_min", "atomic_max"):
            self._atomic_extreme(array, node.op, cell, value, mask, held)
        elif node.op in EXCHANGES:
            self._exchange(array, node.op, cell, value, compare, mask, held)
        else:
            self._accumulate(array, cell, value, mask, -1 if node.op == "atomic_sub" else 1, node.value.type, held)
        if node.result is not None and held is not None:
            self._assign(node.result, held.values, mask)

    def _exchange(
        self, array: str, op: str, cell: Values, value: Values, compare: Values | None, mask: Mask, held: Held | None
    ) -> None:
        """Put each lane's value into its cell, or join the two bit by bit, one thread after another."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        wanted = None if compare is None else np.broadcast_to(compare, (*lanes, *contents.shape[3:]))
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        for thread in self._in_order(mask):
            at, active = cell[..., thread], mask[..., thread]
            old = contents[runs, perturbations, at]
            new = exchanged(op, old, value[:, :, thread], None if wanted is None else wanted[:, :, thread])
            if held is not None:
                held.note(thread, old)
            keep = active[..., None] if old.ndim == 3 else active
            contents[runs, perturbations, at] = np.where(keep, new, old).astype(contents.dtype)

    def _in_order(self, mask: Mask) -> list[int]:
        """The threads of `mask`, one after another; the last first, if that is asked for."""
        threads: list[int] = np.flatnonzero(np.any(mask, axis=(0, 1))).tolist()
        return threads[::-1] if self.reverse else threads

    def _accumulate(
        self,
        array: str,
        cell: Values,
        value: Values,
        mask: Mask,
        sign: int,
        of: Type,
        held: Held | None = None,
        part: Values | None = None,
    ) -> None:
        """Add each lane's value to its cell, or to the numbers of it at `part`, one thread after another."""
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        changed = np.ones((*lanes, *contents.shape[3:]), bool)
        if part is not None:
            places = np.broadcast_to(part, (*lanes, part.shape[3]))
            changed[:] = False
            np.put_along_axis(changed, places, True, axis=3)
            given = value if value.ndim == 4 else value[..., None]
            value = np.zeros((*lanes, contents.shape[3]), value.dtype)
            np.put_along_axis(value, places, np.broadcast_to(given, places.shape), axis=3)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        rounded = 1 + self._noise(of, value.shape[3:]) / 2
        rounded = np.broadcast_to(rounded, (self._runs, 1, self._threads, *rounded.shape[3:]))
        for thread in self._in_order(mask):
            at, active = cell[..., thread], mask[..., thread]
            old = contents[runs, perturbations, at]
            if held is not None:
                held.note(thread, old)
            new = old - value[:, :, thread] if sign < 0 else old + value[:, :, thread]
            if self.noise is not None and old.dtype.kind == "f":
                new = new * rounded[:, :, thread]
            keep = active[..., None] if old.ndim == 3 else active
            if self.native and old.dtype.kind == "i":
                wide = old.astype(np.float64) + sign * value[:, :, thread].astype(np.float64)
                self._check_overflow(wide, 8 * old.dtype.itemsize, keep)
            keep = keep & changed[:, :, thread]
            contents[runs, perturbations, at] = np.where(keep, new, old).astype(contents.dtype)
        if array in self._shared and array in self.cotangents:
            weight = self.cotangents[array][cell]
            share = sign * value * weight
            share = share.sum(axis=-1) if share.ndim == 4 else share
            self._loss += np.where(mask, share, 0)

    def _atomic_extreme(
        self, array: str, op: str, cell: Values, value: Values, mask: Mask, noted: Held | None = None
    ) -> None:
        contents = self._arrays[array]
        lanes = (self._runs, self._lanes, self._threads)
        value = np.broadcast_to(value, (*lanes, *contents.shape[3:]))
        cell, mask = np.broadcast_to(cell, lanes), np.broadcast_to(mask, lanes)
        held = self._extremes.setdefault(array, Extremes(contents, self._threads))
        runs, perturbations = np.ogrid[: self._runs, : self._lanes]
        for thread in self._in_order(mask):
            if noted is not None:
                noted.note(thread, contents[runs, perturbations, cell[..., thread]])
            held.offer(thread, cell[..., thread], value[:, :, thread], mask[..., thread], op == "atomic_min")

    def _settle_loss(self) -> None:
        """Add to each thread's share what it left in the cells that it owns."""
        for array, cotangent in self.cotangents.items():
            contents = self._arrays[array]
            weighted = contents * cotangent if contents.dtype.kind == "f" else np.zeros(contents.shape)
            if array in self._extremes:
                self._loss += self._extremes[array].shares(weighted)
                self._kinked |= self._extremes[array].unsettled(FRAGILE_FACTOR)
            elif array not in self._shared:
                total = weighted.sum(axis=-1) if weighted.ndim == 4 else weighted
                owned, lost = self._writes[array].T.astype(np.float64), ~np.isfinite(total)
                self._loss += np.where(lost, 0.0, total) @ owned
                if lost.any():
                    # zero times infinity would reach the threads that do not own the cell
                    self._loss[(lost @ owned) > 0] = np.nan

    # ------------------------------------------------------------ statements

    def _block(self, body: Sequence[Statement], mask: Mask) -> Mask:
        """Run `body`; returns the lanes that reach its end."""
        for statement in body:
            if not mask.any():
                break
            mask = self._statement(statement, mask)
        return mask

    def _statement(self, node: Statement, mask: Mask) -> Mask:
        match node:
            case ThreadIndex():
                for name, index in zip(node.names, np.indices(self.program.launch), strict=True):
                    self._here.environment[name] = index.reshape(1, 1, -1).astype(np.int32)
                    self._here.defined[name] = EVERYWHERE
            case Assign(target=Name(type=Tuple() as of, name=name)):
                for n, value in enumerate(self._items(node.value, mask)):
                    self._assign(Name(of.items[n], item_name(name, n)), value, mask)
            case Assign(target=Name(name=name), value=Zeros() as zeros):
                self._here.arrays[name] = self._make(name, zeros, mask)
            case Assign(target=Name(name=name), value=View() as view):
                self._here.arrays[name] = self._part(view, mask)
            case Assign():
                self._assign(node.target, self._value(node.value, mask), mask)
            case AugmentedAssign():
                self._augment(node, mask)
            case Atomic():
                self._atomic(node, mask)
            case If():
                test = self._value(node.test, mask)
                return self._block(node.body, mask & test) | self._block(node.orelse, mask & ~test)
            case For():
                return self._for(node, mask)
            case While():
                return self._while(node, mask)
            case Break():
                self._here.frames[-1].broken = self._here.frames[-1].broken | mask
                return no_lanes()
            case Continue():
                self._here.frames[-1].continued = self._here.frames[-1].continued | mask
                return no_lanes()
            case Return():
                self._return(node, mask)
                return no_lanes()
            case Evaluate():
                self._call(node.value, mask)
            case Unpack():
                self._unpack(node, mask)
        return mask

    def _assign(self, target: Target, value: Values, mask: Mask, stored: bool = True) -> None:
        match target:
            case Name():
                old = self._here.environment.get(target.name)
                if mask.all():
                    self._here.defined[target.name] = EVERYWHERE
                else:
                    if old is not None:
                        value = self._select(mask, value, old)
                    self._here.defined[target.name] = mask | self._here.defined.get(target.name, False)
                self._here.environment[target.name] = value
            case Element():
                array, cell = self._cell(target.array, target.indices, mask)
                self._mark_writes(array, cell, mask, stored)
                self._write(array, cell, value, mask)
            case Component() if isinstance(cell_of := root(target), Element):
                part = self._numbers(target, mask)
                array, cell = self._cell(cell_of.array, cell_of.indices, mask)
                self._mark_writes(array, cell, mask, stored, part)
                self._write(array, cell, value if isinstance(target.type, Composite) else value[..., None], mask, part)
            case Component():
                base, places = self._common(self._value(target.base, mask), self._places(target, mask))
                given = value if isinstance(target.type, Composite) else value[..., None]
                lanes = np.broadcast_shapes(base.shape[:3], given.shape[:3])
                changed = np.broadcast_to(base, (*lanes, base.shape[3])).copy()
                places = np.broadcast_to(places, (*lanes, places.shape[3]))
                np.put_along_axis(changed, places, np.broadcast_to(given, places.shape), axis=3)
                self._assign_base(target.base, changed, mask)

    def _assign_base(self, base: Expression, value: Values, mask: Mask) -> None:
        assert isinstance(base, Name | Component | Element)
        self._assign(base, value, mask)

    def _augment(self, node: AugmentedAssign, mask: Mask) -> None:
        value = self._value(node.value, mask)
        cell_of = root(node.target)
        if isinstance(cell_of, Element) and node.operator in ("add", "sub"):
            part = self._numbers(node.target, mask) if isinstance(node.target, Component) else None
            array, cell = self._cell(cell_of.array, cell_of.indices, mask)
            self._mark_writes(array, cell, mask, stored=False)
            sign = 1 if node.operator == "add" else -1
            self._accumulate(array, cell, value, mask, sign, node.value.type, part=part)
            return
        application = Apply(node.target.type, node.operator, (node.target, node.value))
        old = self._value(node.target, mask)
        self._assign(node.target, self._apply(self._row(application), application, [old, value], mask), mask)
