"""What a right build of a program must give: values, gradients, and how far off each may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.oracle import differences, tolerance
from harness.oracle.exactness import exact_outputs, signs_zeros
from harness.oracle.inputs import Flavour, components, derive, derive_cotangents
from harness.oracle.lanes import UNDERFLOW, UNIT_ROUNDOFF, Mask, Values
from harness.oracle.nonfinite import Undefined, has_floats
from harness.oracle.reference import Evaluation, Evaluator, InvalidProgram
from harness.verdict import Tier
from strategies.language import types
from strategies.language.effects import effects
from strategies.language.hashing import content_hash
from strategies.language.limits import Limit, Traits, Written, crossed
from strategies.language.nodes import Atomic, Compare, Parameter, Program, walk
from strategies.language.structs import flattened
from strategies.language.types import Type
from strategies.language.views import roots
from strategies.ops import ATOMICS, EXCHANGES, overload

#: Share of cells, and of gradients, that must be checked in a verified pair.
MIN_CHECKED: Final = 0.8
_EXTREMES: Final = ("atomic_min", "atomic_max")
#: How far two orders of a sum may be apart in float64: sums are of a few hundred numbers of moderate size.
ORDER_ROUNDING: Final = 1e-9
#: Directions of finite differences beside NaN and infinities: cells beyond go unchecked there, since the same cells are
#: checked among finite numbers, and another evaluation of large programs is dear.
MAX_NONFINITE_DIRECTIONS: Final = 16
#: Draws of inputs, until enough of the cells can be checked.
ATTEMPTS: Final = 4

__all__ = ["ATTEMPTS", "MIN_CHECKED", "Cells", "Expectation", "InvalidProgram", "Promise", "expect"]

TRAITS: Final = Traits(
    lambda op, of: op not in EXCHANGES if op in ATOMICS else overload(op, of).differentiable,
    lambda op, of: op not in ATOMICS and overload(op, of).flat,
    lambda op, of: op not in ATOMICS and bool(overload(op, of).advances),
)


@dataclass(frozen=True)
class Cells:
    """The expected contents of an array, or of its gradient: cells[, components]."""

    expected: Values
    #: zero where the comparison is exact
    tolerance: Values
    #: where the comparison is made at all
    checked: Mask
    #: whether a zero must have the sign that is expected
    signed: bool = False

    @property
    def share(self) -> float:
        """The share of cells that are compared."""
        return float(np.mean(self.checked)) if self.checked.size else 1.0

    def unchecked(self) -> Cells:
        """The same contents, compared nowhere."""
        return replace(self, checked=np.zeros_like(self.checked))

    @property
    def told_from_zero(self) -> Mask:
        """Where a zero would be refused."""
        found: Mask = self.checked & (np.abs(self.expected) > self.tolerance)
        return found

    def differs_from(self, other: Cells) -> Mask:
        """Where both are compared and no contents could pass for both."""
        both = self.checked & other.checked
        if self.expected.dtype.kind != "f":
            return np.asarray(both & (self.expected != other.expected))
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.expected - other.expected) > self.tolerance + other.tolerance
        return np.asarray(both & (apart | (np.isnan(self.expected) != np.isnan(other.expected))))


@dataclass(frozen=True)
class Promise:
    """The tier that a program can be verified in; none if too little could be compared.

    `reason` says why it is none, or why only the forward pass is promised.
    """

    tier: Tier | None
    reason: str | None = None


@dataclass(frozen=True)
class Nonfinite:
    """What the launch must give whose inputs hold NaN and infinities.

    Gradients are compared of threads that those do not reach: what is no number in one lane must not spoil another's.
    """

    inputs: dict[str, Values]
    outputs: dict[str, Cells]
    gradients: dict[str, Cells]


@dataclass(frozen=True)
class Expectation:
    """What the launches of one program must give, on inputs drawn from `seed`."""

    program: Program
    seed: int
    inputs: dict[str, Values]
    special_inputs: dict[str, Values]
    cotangents: dict[str, Values]
    outputs: dict[str, Cells]
    special_outputs: dict[str, Cells]
    #: for input arrays the gradient, for output arrays what the backward pass leaves of the cotangent
    gradients: dict[str, Cells]
    #: the documented limits that the program is outside of
    limits: tuple[Limit, ...]
    #: for each array, how often the launch reads a cell, and with that adds to its gradient
    read_counts: dict[str, Values]
    #: whether a backward pass keeps the cotangents that it reads: of what is stored none, of what is added to all;
    #: None if the program does both
    keeps_cotangents: bool | None
    #: None for a program of which nothing can be said there
    nonfinite: Nonfinite | None
    #: the program whose inputs these are, if it is another
    like: Program | None = None

    @property
    def cells_checked(self) -> float:
        """The share of output cells that are compared."""
        return _share(self.outputs)

    @property
    def gradients_checked(self) -> float:
        """The share of input gradients that are compared."""
        return _share({p.name: self.gradients[p.name] for p in differences.differentiable_inputs(self.program)})

    @property
    def every_input_checked(self) -> bool:
        """Whether of each input array some gradient is compared, be it of one cell."""
        inputs = differences.differentiable_inputs(self.program)
        return all(self.gradients[p.name].checked.any() for p in inputs)

    @property
    def responds(self) -> bool:
        """Whether some output that is compared depends on the inputs: the reference gives another for others."""
        others = [self.special_outputs, *([self.nonfinite.outputs] if self.nonfinite is not None else [])]
        return any(np.any(found.differs_from(other[name])) for name, found in self.outputs.items() for other in others)

    @property
    def alive(self) -> bool:
        """Whether some gradient of an input that is compared is told from zero: zero would be refused there."""
        return any(
            np.any(self.gradients[p.name].told_from_zero) for p in differences.differentiable_inputs(self.program)
        )

    @property
    def promise(self) -> Promise:
        """What a right build can be verified to be, on these inputs."""
        if self.cells_checked < MIN_CHECKED:
            return Promise(None, "too few results could be checked")
        if not (self.alive or self.responds):
            return Promise(None, "nothing depends on the inputs")
        if self.limits:
            return Promise(Tier.FORWARD, f"limit: {self.limits[0].name}")
        if not self.differentiable:
            return Promise(Tier.FORWARD, "nothing to differentiate")
        if not self.alive:
            return Promise(Tier.FORWARD, "no gradient is told from zero")
        if self.gradients_checked < MIN_CHECKED or not self.every_input_checked:
            return Promise(None, "too few gradients could be checked")
        return Promise(Tier.BACKWARD)

    @property
    def differentiable(self) -> bool:
        """Whether there is a float array to differentiate by, and one to differentiate."""
        floats = any(types.element_scalar(p.type).is_float for p in self.program.outputs)
        return floats and bool(differences.differentiable_inputs(self.program))

    @property
    def is_final(self) -> bool:
        """Whether no other inputs could promise more."""
        tier = self.promise.tier
        return tier is Tier.BACKWARD or (tier is Tier.FORWARD and bool(self.limits or not self.differentiable))


def _share(cells: dict[str, Cells]) -> float:
    total = sum(c.checked.size for c in cells.values())
    return sum(int(c.checked.sum()) for c in cells.values()) / total if total else 1.0


@dataclass(frozen=True)
class _Facts:
    """What holds of a program on all inputs."""

    #: the program without structs, which is the one that is evaluated
    program: Program
    #: the outputs that are compared to the bit, and whether the signs of their zeros are, too
    exact: frozenset[str]
    signed: bool
    #: the limits that it may be outside of, by which elements may be one
    limits: tuple[Limit, ...]
    coarsest: str


def expect(program: Program, seed: int = 0, like: Program | None = None) -> Expectation:
    """The expectation on inputs of which enough can be checked, or the best of a few draws.

    They are the inputs of `like` if it is given and has the same parameters: those on which another way to write it
    shows that it means the same.

    Raises `InvalidProgram` if the program reads or writes outside an array, or loops without end.
    """
    facts = _facts(program)
    like = like if like is not None and like.parameters == program.parameters else None
    best: Expectation | None = None
    for attempt in range(ATTEMPTS):
        found = _attempt(program, facts, seed * ATTEMPTS + attempt, like)
        if best is None or _quality(found) > _quality(best):
            best = found
        if best.is_final:
            break
    assert best is not None
    return best


def expect_on(program: Program, inputs_seed: int) -> Expectation:
    """The expectation on the very inputs of `inputs_seed`, which an `Expectation` has as its `seed`.

    Raises `InvalidProgram` as `expect` does.
    """
    return _attempt(program, _facts(program), inputs_seed)


def _facts(program: Program) -> _Facts:
    flat = flattened(program)
    return _Facts(flat, exact_outputs(flat), signs_zeros(flat), crossed(program, TRAITS), coarsest_float(flat))


def _quality(found: Expectation) -> tuple[bool, bool, float]:
    tier = found.promise.tier
    return tier is Tier.BACKWARD, tier is not None, min(found.cells_checked, found.gradients_checked)


def _attempt(whole: Program, facts: _Facts, seed: int, like: Program | None = None) -> Expectation:
    program = facts.program
    # of the whole program, all three: what outputs hold before is the same in all launches
    inputs, special, nonfinite = (derive(whole, seed, flavour, like) for flavour in Flavour)
    cotangents = derive_cotangents(whole, seed, like)
    # Both at once, as two lanes: on so few threads it is the operations that cost, not their size.
    both = {name: np.stack((values, special[name])) for name, values in inputs.items()}
    native = Evaluator(program, both, native=True).run()
    limits = facts.limits
    if {Limit.ELEMENT_OVERWRITTEN, Limit.EFFECT_REPLAYED} & set(limits):
        # indices alone do not tell which elements are one
        limits = crossed(whole, TRAITS, native.written)
    _check_order(program, both)
    held = _promises_held(whole, native)
    found = differences.directions(program, native.reads, _widths(program))
    label = content_hash(whole)
    moved = differences.perturbed(inputs, program, found)
    wide = Evaluator(program, moved, False, cotangents, f"{label}/{seed}").run()
    plain = {name: (v.astype(np.float64) if v.dtype.kind == "f" else v)[None] for name, v in special.items()}
    wide_special = Evaluator(program, plain, False, noise=f"{label}/special").run()
    return Expectation(
        program=whole,
        seed=seed,
        inputs=inputs,
        special_inputs=special,
        cotangents=cotangents,
        outputs=_outputs(program, native, 0, wide, facts),
        special_outputs=_outputs(program, native, 1, wide_special, facts),
        gradients=_gradients(program, found, native, wide, inputs, cotangents, facts.coarsest, held),
        limits=limits,
        read_counts=native.read_counts,
        keeps_cotangents=_keeps(program, native),
        nonfinite=_nonfinite(nonfinite, cotangents, facts, native.written, held),
        like=like,
    )


def _promises_held(whole: Program, native: Evaluation) -> bool:
    """Whether Warp promises the gradient with respect to what outputs hold before the launch, if they are read."""
    read = any(native.reads[p.name].any() for p in whole.outputs if p.name in native.reads)
    return not read or not crossed(whole, TRAITS, native.written, held=True)


def _nonfinite(
    inputs: dict[str, Values],
    cotangents: dict[str, Values],
    facts: _Facts,
    written: Written,
    held: bool,
) -> Nonfinite | None:
    program = facts.program
    if not has_floats(program):
        return None
    try:
        plain = {name: v[None] for name, v in inputs.items()}
        native = Evaluator(program, plain, native=True, nonfinite=True).run()
        found = differences.directions(program, native.reads, _widths(program), MAX_NONFINITE_DIRECTIONS)
        moved, label = differences.perturbed(inputs, program, found), f"{content_hash(program)}/nonfinite"
        wide = Evaluator(program, moved, False, cotangents, label, nonfinite=True).run()
    except InvalidProgram:
        # an infinity lets a guard divide an integer by zero, say
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        outputs = _outputs(program, native, 0, wide, facts)
        gradients = _gradients(program, found, native, wide, inputs, cotangents, facts.coarsest, held)
    if native.written.more_than(written):
        # gradients are not promised there for other limits
        gradients = {name: cells.unchecked() for name, cells in gradients.items()}
    if any(isinstance(node, Compare) and len(node.operators) > 1 for node in walk(program)):
        # adjoints pass through operands that a chain leaves out, elements that the reference does not read among them
        gradients = _without_inputs(program, gradients)
    threads = native.undefined | wide.undefined
    if not threads.any():
        return Nonfinite(inputs, outputs, gradients)
    undefined = Undefined(program)
    atomics_return = any(isinstance(node, Atomic) and node.result is not None for node in walk(program))
    if undefined.steers or atomics_return:
        # the kernel may write anywhere, or what has no meaning in one thread reaches others
        return None
    if undefined.chooses:
        # nor is it known what such a thread reads
        gradients = _without_inputs(program, gradients)
    for name in undefined.outputs:
        reached = np.any((wide.reach if undefined.decides else wide.writes)[name][threads], axis=0)
        for cells in (outputs, gradients):
            left_out = reached.reshape(-1, *(1,) * (cells[name].expected.ndim - 1))
            cells[name] = replace(cells[name], checked=cells[name].checked & ~left_out)
    return Nonfinite(inputs, outputs, gradients)


def _without_inputs(program: Program, gradients: dict[str, Cells]) -> dict[str, Cells]:
    """`gradients`, those of inputs compared nowhere."""
    return {name: c if program.parameter(name).output else c.unchecked() for name, c in gradients.items()}


def _widths(program: Program) -> dict[str, int]:
    return {p.name: components(p.type)[0] for p in program.arrays if components(p.type)}


def _keeps(program: Program, native: Evaluation) -> bool | None:
    floats = [p.name for p in program.outputs if types.element_scalar(p.type).is_float]
    written = {name: native.writes[name].any(axis=0) for name in floats}
    if any(native.reads[name].any() for name in floats):
        # what flows in through a read stays in the gradient, and a second pass begins with it
        return None
    kept = any(np.any(~native.stored[name][written[name]]) for name in floats)
    consumed = any(np.any(native.stored[name]) for name in floats)
    return None if kept and consumed else kept


def _check_order(program: Program, inputs: dict[str, Values]) -> None:
    """Raise `InvalidProgram` if results depend on which thread comes first: what atomics return, or exchange, may.

    `inputs` are lanes, cells[, components].
    """
    atomics = [node for node in walk(program) if isinstance(node, Atomic)]
    if not any(node.result is not None or node.op in EXCHANGES for node in atomics):
        return
    wide = {name: v.astype(np.float64) if v.dtype.kind == "f" else v for name, v in inputs.items()}
    there, back = (Evaluator(program, wide, False, reverse=reverse).run().arrays for reverse in (False, True))
    for name, values in there.items():
        if not np.allclose(values, back[name], rtol=ORDER_ROUNDING, atol=ORDER_ROUNDING, equal_nan=True):
            raise InvalidProgram(f"{name!r} depends on the order of the threads of {program.name}")


def _outputs(program: Program, native: Evaluation, lane: int, wide: Evaluation, facts: _Facts) -> dict[str, Cells]:
    return {p.name: _output(p, native.arrays[p.name][0, lane], wide, facts) for p in program.outputs}


def coarsest_float(program: Program) -> str:
    """The least precise float type that a program computes in: no result can be sharper than that one's rounding."""
    kinds = {of for node in walk(program) if isinstance(of := getattr(node, "type", None), Type)}
    found = {scalar for of in kinds for scalar in types.scalars_of(of)}
    return min((of for of in found if of.is_float), key=lambda of: of.bits, default=types.FLOAT64).notation


def _output(parameter: Parameter, native: Values, wide: Evaluation, facts: _Facts) -> Cells:
    name = parameter.name
    runs = wide.arrays[name][:, 0]
    trusted = _trusted(parameter, wide)
    if runs.ndim == 3:
        trusted = np.repeat(trusted[:, None], runs.shape[2], axis=1)
    if not types.element_scalar(parameter.type).is_float:
        return Cells(runs[0], np.zeros(runs[0].shape), trusted)
    dtype = types.element_scalar(parameter.type).notation
    if name in facts.exact:
        return Cells(native, np.zeros(runs[0].shape), trusted, facts.signed)
    allowed = tolerance.forward_tolerance(runs, dtype)
    sharp = tolerance.sharp(allowed, runs[0], facts.coarsest, tolerance.largest(runs[0]))
    # what is no finite number in all realisations, and in the kernel's own precision, is compared as it is
    found = np.concatenate((runs, native[None]))
    nonfinite = ~np.isfinite(runs[0]) & np.all((found == runs[0]) | (np.isnan(found) & np.isnan(runs[0])), axis=0)
    # what a guard lets through for NaN or an infinity may be finite in doubles, and too large for the kernel's types
    overflowed = np.isfinite(runs[0]) & ~np.isfinite(native)
    return Cells(runs[0], np.where(nonfinite, 0.0, allowed), trusted & (sharp | nonfinite) & ~overflowed)


def _trusted(parameter: Parameter, wide: Evaluation) -> Mask:
    """The cells that no thread could write whose control flow rounding could change."""
    reached: Mask = np.any(wide.reach[parameter.name][wide.fragile], axis=0)
    return ~reached


def _gradients(
    program: Program,
    found: differences.Directions,
    native: Evaluation,
    wide: Evaluation,
    inputs: dict[str, Values],
    cotangents: dict[str, Values],
    coarsest: str,
    held: bool,
) -> dict[str, Cells]:
    shapes = {name: values.shape for name, values in inputs.items()}
    result = {}
    raw = differences.gradients(program, found, wide, native.reads, shapes)
    scale = max((tolerance.largest(g.runs[0]) for g in raw.values()), default=0.0)
    for name, gradient in raw.items():
        if program.parameter(name).output:
            continue
        result[name] = _judged(program, name, wide, gradient, coarsest, scale)
    for parameter in program.arrays:
        name = parameter.name
        if name in result:
            continue
        shape = inputs[name].shape
        left = np.zeros(shape)
        checked = np.ones(shape, bool)
        if name in cotangents:
            left = np.where(wide.stored[name], 0.0, cotangents[name])
            checked = checked & _trusted(parameter, wide).reshape(-1, *(1,) * (len(shape) - 1))
        result[name] = Cells(left, np.zeros(shape), checked)
        if name in raw:
            found_by_reads = _judged(program, name, wide, raw[name], coarsest, scale)
            if not held:
                found_by_reads = found_by_reads.unchecked()
            result[name] = _read_output(program, name, wide, result[name], found_by_reads, cotangents[name])
    return result


def _read_output(program: Program, name: str, wide: Evaluation, left: Cells, read: Cells, cotangent: Values) -> Cells:
    """What the backward pass leaves in the gradient of an output that the kernel reads.

    Of a cell that is read, the derivative with respect to what it held before; `read` has that but for cells that
    no thread owns, which pass on their cotangents as they are.
    """
    further = (1,) * (left.expected.ndim - 1)
    at = wide.reads[name].any(axis=0).reshape(-1, *further)
    changed = effects(program)
    owned = wide.writes[name].any(axis=0) & (name not in changed.added - changed.stored)
    kept = np.where(owned.reshape(-1, *further), 0.0, cotangent)
    parts = roots(program)
    # a minimum that another value wins leaves the cotangent where it is, too
    extreme = any(
        parts.get(n.array, n.array) == name for n in walk(program) if isinstance(n, Atomic) and n.op in _EXTREMES
    )
    checked = np.where(at, left.checked & read.checked & (not extreme), left.checked)
    # what each read passes back is added to a cotangent that is kept, and rounded at its size
    unit = UNIT_ROUNDOFF[types.element_scalar(program.parameter(name).type).notation]
    sums = 1 + wide.read_counts[name].reshape(-1, *further)
    allowed = read.tolerance + np.where(kept != 0, sums * unit * (np.abs(read.expected) + np.abs(kept)), 0.0)
    return Cells(np.where(at, read.expected + kept, left.expected), np.where(at, allowed, 0.0), checked)


def _judged(
    program: Program, name: str, wide: Evaluation, gradient: differences.Gradient, coarsest: str, scale: float
) -> Cells:
    """A gradient as finite differences have it, how far off it may be, and where that is close enough.

    On its way an adjoint may be held in the coarsest type of the program, and underflow there.
    """
    dtype = types.element_scalar(program.parameter(name).type).notation
    allowed = (
        tolerance.SAFETY * tolerance.spread(gradient.runs, dtype)
        + 2 * gradient.error
        + tolerance.RESULT_ROUNDINGS * (UNIT_ROUNDOFF[dtype] * gradient.magnitude + UNDERFLOW[coarsest])
    )
    expected = gradient.runs[0]
    reached = np.any(wide.reads[name] & wide.nonfinite[:, None], axis=0)
    reliable = gradient.reliable & ~reached.reshape(-1, *(1,) * (expected.ndim - 1))
    return Cells(expected, allowed, reliable & tolerance.sharp(allowed, expected, coarsest, scale))
