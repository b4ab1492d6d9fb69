"""What a kernel means: the typed tree evaluated with NumPy, all threads at once.

One evaluator, two precisions.  In *native* precision every operation rounds as Warp's does.  In
*float64*, realisations after the first multiply each result by one plus noise of the size of the
kernel's own rounding, so that their spread tells how far two right answers may be apart (Monte Carlo
arithmetic: Parker 1997).  Perturbed inputs, for finite differences, are further lanes of the same
evaluation.

Threads run in lockstep under masks.  That equals any order of threads because programs are free of
races; an inactive lane reads safe values, makes no decisions and prolongs no loop.

The evaluator is built up in floors, each a class that adds to the one below: `control_flow` (loops and calls),
`precision` (rounding and decisions), `definedness`, `memory` (arrays), `atomics`, `operations` (expressions); and
here the launch and its statements.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harness.oracle.atomics import BITS_IN_PLACE
from harness.oracle.control_flow import EVERYWHERE, Activation, InvalidProgram, item_name, no_lanes
from harness.oracle.lanes import Mask, Values
from harness.oracle.operations import Operations
from harness.oracle.places import whole
from harness.oracle.precision import NOISE_RUNS
from strategies.language.effects import effects
from strategies.language.limits import Written
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Call,
    Component,
    Continue,
    Contribute,
    Element,
    Evaluate,
    Expression,
    For,
    If,
    Name,
    Node,
    Parameter,
    Program,
    Return,
    Statement,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    Zeros,
    root,
    walk,
)
from strategies.language.remembered import remembered
from strategies.language.types import Array, Composite, Tuple, element_scalar
from strategies.ops import ROWS

__all__ = ["Evaluation", "Evaluator", "InvalidProgram"]


#: The operations that advance the state of a random generator.
_ADVANCING: Final = frozenset(row.name for row in ROWS if row.advances != 0)


@remembered
def _has_loops(program: Program) -> bool:
    return any(isinstance(node, For | While) for node in walk(program))


@remembered
def _asides(program: Program) -> frozenset[str]:
    """The outputs of whole numbers and truth values on which nothing hangs that has a derivative.

    The kernel reads none of them, and what it stores there does nothing else: it calls no function, and advances no
    random generator.
    """
    returned = {node.array for node in walk(program) if isinstance(node, Atomic) and node.result is not None}
    whole_numbers = {p.name for p in program.outputs if not element_scalar(p.type).is_float}
    found = whole_numbers - effects(program).read - returned
    for node in (n for statement in program.body for n in walk(statement)):
        match node:
            case Assign(target=Element(array=array), value=value):
                parts: Sequence[Expression] = (node.target, value)
            case Atomic(array=array, indices=indices, value=value, compare=compare, result=None):
                parts = (*indices, value, *(() if compare is None else (compare,)))
            case _:
                continue
        if any(_does_more(inner) for part in parts for inner in walk(part)):
            found.discard(array)
    return frozenset(found)


def _does_more(node: Node) -> bool:
    """Whether an expression does more than give its value."""
    return isinstance(node, Call) or (isinstance(node, Apply) and node.op in _ADVANCING)


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
    #: threads in which one met or gave such a number of which nothing is documented there
    undefined: Mask
    #: how threads write, in the unperturbed lane
    written: Written


@dataclass
class Evaluator(Operations):
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
        nonfinite: whether the inputs hold NaN and infinities: what has no meaning there is noted, not refused.
    """

    program: Program
    inputs: Mapping[str, Values]
    native: bool
    cotangents: Mapping[str, Values] = field(default_factory=dict)
    noise: str | None = None
    #: whether atomics take the threads from the last to the first
    reverse: bool = False
    nonfinite: bool = False

    def run(self) -> Evaluation:
        """Evaluate the whole launch."""
        program = self.program
        self._threads = math.prod(program.launch)
        self._repeats = self.noise is not None and _has_loops(program)
        self._runs = 1 + (NOISE_RUNS if self.noise is not None else 0) + self._repeats
        self._lanes = max(v.shape[0] for v in self.inputs.values()) if self.inputs else 1
        self._parameters = {p.name: p for p in program.parameters}
        found = effects(program)
        self._shared = found.added - found.stored
        self._noise_used = 0
        self._noise_repeated = 0
        self._noise_pool = self._draw_noise()
        self._asides = _asides(program)
        self._kernel = self._here = Activation(arrays={p.name: whole(p.name, p.shape) for p in program.arrays})
        self._arrays = {}
        self._reads = {}
        self._read_counts = {}
        self._writes = {}
        self._stored = {}
        self._extremes = {}
        self._after_reading = set()
        self._again = set()
        self._iterations = 0
        self._fragile = np.zeros(self._threads, bool)
        self._kinked = np.zeros(self._threads, bool)
        self._changed = np.zeros((self._lanes, self._threads), bool)
        self._loss = np.zeros((self._runs, self._lanes, self._threads))
        self._magnitude = np.zeros(self._threads)
        self._nonfinite = np.zeros(self._threads, bool)
        self._undefined = np.zeros(self._threads, bool)
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
            self._undefined,
            Written(frozenset(self._after_reading), frozenset(self._again)),
        )

    # ------------------------------------------------------------ parameters

    def _bind(self, parameter: Parameter) -> None:
        values = self.inputs[parameter.name]
        if not isinstance(parameter.type, Array):
            self._here.environment[parameter.name] = values[None]
            self._here.defined[parameter.name] = EVERYWHERE
            return
        cells = math.prod(parameter.shape)
        if parameter.output:
            shape = (self._runs, self._lanes, *values.shape[1:])
            self._arrays[parameter.name] = np.broadcast_to(values, shape).copy()
        else:
            self._arrays[parameter.name] = values[None]
        self._track(parameter.name, cells, values.shape[2:])

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
            case Assign(target=Element(array=array)) | Atomic(result=None, array=array) if self._is_aside(array):
                changed = self._changed.copy()
                if isinstance(node, Atomic):
                    self._atomic(node, mask)
                else:
                    self._assign(node.target, self._value(node.value, mask), mask)
                # which whole number it is changes no derivative
                self._changed = changed
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
            case Contribute():
                self._contribute(node, mask)
            case Unpack():
                self._unpack(node, mask)
        return mask

    def _is_aside(self, array: str) -> bool:
        """Whether the kernel stores to an array on which no derivative hangs; a function may call another one so."""
        return self._here is self._kernel and array in self._asides

    def _assign(self, target: Target, value: Values, mask: Mask) -> None:
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
                self._mark_writes(array, cell, mask, stored=True)
                self._write(array, cell, value, mask)
            case Component() if isinstance(cell_of := root(target), Element):
                part = self._numbers(target, mask)
                array, cell = self._cell(cell_of.array, cell_of.indices, mask)
                self._mark_writes(array, cell, mask, stored=True, part=part)
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
        if isinstance(node.target, Element) and (op := BITS_IN_PLACE.get(node.operator)) is not None:
            array, cell = self._cell(node.target.array, node.target.indices, mask)
            if array in self._shared:
                self._mark_writes(array, cell, mask, stored=False)
                self._exchange(array, op, cell, value, None, mask, None)
                return
        application = Apply(node.target.type, node.operator, (node.target, node.value))
        old = self._value(node.target, mask)
        self._assign(node.target, self._apply(self._row(application), application, [old, value], mask), mask)
