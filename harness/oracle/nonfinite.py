"""What a program must give whose inputs hold NaN and infinities, and what of that has no meaning.

Arithmetic and the functions of the C library follow IEEE 754 and C's Annex F; `min`, `max`, `clamp`, `argmin` and
`argmax` follow Warp's documentation, which says what they make of NaN.  Everything else has no meaning there:

- what a float that an integer type cannot hold converts to, NaN above all: Warp documents nothing, and in C++ it is
  undefined;
- which value an atomic minimum or maximum leaves that NaN was offered to: the documentation speaks of `min` alone;
- built-ins that are made of several operations, or are documented in words that do not say (`normalize`, `acos`).

A thread that met such a case may leave anything in what follows from it (`Undefined`), and all else is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from strategies.language import types
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
    Construct,
    Continue,
    Element,
    Evaluate,
    For,
    If,
    Literal,
    Logical,
    Name,
    Node,
    Program,
    Return,
    Statement,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    root,
    walk,
)
from strategies.language.rules import bound_arguments, conversion
from strategies.language.types import Scalar, Type, holds_floats
from strategies.language.views import arrays_named, definitions
from strategies.ops import OpSpec, overload

#: The names of such rows of the op table.  `copysign` is none: the sign of a NaN, which it copies, means nothing.
DEFINED: Final = frozenset(
    (
        *("add", "sub", "mul", "div", "mod", "neg", "pos", "unot", "floordiv"),
        *("min", "max", "clamp", "argmin", "argmax", "abs", "sign", "step", "nonzero", "frac"),
        *("sin", "cos", "tan", "atan", "atan2", "sinh", "cosh", "tanh", "degrees", "radians"),
        *("sqrt", "cbrt", "log", "log2", "log10", "exp", "erf", "erfc"),
        *("round", "rint", "trunc", "floor", "ceil", "isfinite", "isnan", "isinf", "cw_mul", "cw_div"),
        *("bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert", "bit_count"),
        # sums of products, which are NaN or infinite in whatever order, and roots of such
        *("dot", "ddot", "cross", "outer", "length_sq", "trace", "norm_l1", "length", "norm_l2"),
        *("spatial_dot", "spatial_cross", "spatial_cross_dual", "velocity_at_point"),
        # documented by a formula of such operations
        *("lerp", "randf", "div_approx"),
        # what moves numbers without a look at them
        *("where", "transpose", "diag", "get_diag", "skew", "identity", "matrix_from_cols", "matrix_from_rows"),
        *("spatial_top", "spatial_bottom", "spatial_adjoint", "quat_inverse"),
        *("transform_get_translation", "transform_get_rotation"),
        *("quat_identity", "transform_identity", "len"),
    )
)

#: Of integers, what another operand may make the process die of, or run for ever.
_DANGEROUS: Final = frozenset(("div", "floordiv", "mod", "cw_div", "lshift", "rshift", "randi"))
#: The name under which it is kept that what a function returns may have no meaning, and that its caller may call it or
#: not.  A name with a space is no variable's.
_RESULT, _PERHAPS = "its result", "whether it runs"
_KERNEL: Final = ""


def is_defined(row: OpSpec) -> bool:
    """Whether the reference of a row holds for NaN, infinities and zeros of both signs.

    By which formula transformations are joined is not documented, and with infinities that matters.
    """
    return row.name in DEFINED and not row.unit


def _is_defined(op: str, of: Sequence[Type]) -> bool:
    # in what Python computes for a kernel, numbers of types may meet that no row takes
    return op in DEFINED and (all(isinstance(one, Scalar) for one in of) or is_defined(overload(op, of)))


def has_floats(program: Program) -> bool:
    """Whether a program has inputs that may hold NaN."""
    return any(types.element_scalar(p.type).is_float for p in program.parameters if not p.output)


class Undefined:
    """What may follow, in a thread, from a value that has no meaning.

    A static analysis, without an order of statements: a variable that once held such a value counts for ever.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        #: variables and arrays, by the function that they are in
        self._names: set[tuple[str, str]] = set()
        self._views = {name: definitions(body) for name, body in self._bodies()}
        #: whether such a value decides which statements run
        self.decides = False
        #: whether it decides what is read: which statements run, which part of an expression is evaluated
        self.chooses = False
        #: whether it may be an index, a bound or a divisor: then nothing can be said of where the kernel writes, or
        #: whether it ends
        self.steers = False
        before = -1
        while before != len(self._names):
            before = len(self._names)
            for name, body in self._bodies():
                self._block(name, body, (name, _PERHAPS) in self._names)
        self.steers = any(self._steers(name, node) for name, body in self._bodies() for s in body for node in walk(s))

    @property
    def outputs(self) -> frozenset[str]:
        """The output arrays that such a value may be in."""
        return frozenset(p.name for p in self._program.outputs if (_KERNEL, p.name) in self._names)

    def _bodies(self) -> Iterator[tuple[str, tuple[Statement, ...]]]:
        for function in self._program.functions:
            yield function.name, function.body
        yield _KERNEL, self._program.body

    # ------------------------------------------------------------ values

    def _of(self, owner: str, node: Node) -> bool:
        """Whether such a value is in an expression, be it as an index."""
        return any(self._itself(owner, part) for part in walk(node))

    def _itself(self, owner: str, node: Node) -> bool:
        match node:
            case Name(name=name) | Element(array=name) | View(array=name):
                return (owner, name) in self._names
            case Apply(op=op, arguments=arguments):
                return any(holds_floats(a.type) for a in arguments) and not _is_defined(op, node.argument_types)
            case Cast(type=to) | Construct(type=to) if (operand := conversion(node)) is not None:
                return types.element_scalar(to).is_integer and types.element_scalar(operand.type).is_float
            case Call():
                # a gradient may be made of anything
                return (node.function, _RESULT) in self._names or node.derivative
        return False

    def _call(self, owner: str, node: Call) -> None:
        """Note what a call hands over, and gets back in its arrays."""
        for parameter, argument in bound_arguments(self._program.function(node.function), node):
            if self._of(owner, argument):
                self._names.add((node.function, parameter.name))
            array = arrays_named(argument)
            if array is not None and (node.function, parameter.name) in self._names:
                self._names.add((owner, array))

    # ------------------------------------------------------------ statements

    def _block(self, owner: str, body: Sequence[Statement], perhaps: bool) -> None:
        for statement in body:
            self._statement(owner, statement, perhaps)

    def _statement(self, owner: str, node: Statement, perhaps: bool) -> None:
        """Note what a statement changes; `perhaps` if such a value decides whether it runs."""
        doubtful = perhaps or (not isinstance(node, If | For | While) and self._of(owner, node))
        for part in walk(node):
            if isinstance(part, If | While | Conditional):
                self.chooses |= self._of(owner, part.test)
            elif isinstance(part, Logical) or (isinstance(part, Compare) and len(part.operands) > 2):
                self.chooses |= any(self._of(owner, operand) for operand in part.operands[:-1])
            if isinstance(part, Call):
                self._call(owner, part)
                if doubtful:
                    # a choice within an expression may leave the call out
                    self._names.add((part.function, _PERHAPS))
        match node:
            case Assign() | AugmentedAssign():
                operation = isinstance(node, AugmentedAssign) and self._augments(node)
                if perhaps or operation or self._of(owner, node.value) or self._of(owner, node.target):
                    self._add(owner, node.target)
            case Atomic():
                extreme = node.op in ("atomic_min", "atomic_max") and holds_floats(node.value.type)
                if perhaps or extreme or self._of(owner, node):
                    self._names.add((owner, node.array))
                if node.result is not None and (owner, node.array) in self._names:
                    self._add(owner, node.result)
            case Unpack():
                for target in node.targets:
                    if perhaps or any(self._of(owner, v) for v in node.values) or self._of(owner, target):
                        self._add(owner, target)
            case If():
                decided = self._of(owner, node.test)
                self.decides |= decided
                if decided and any(isinstance(part, Break | Continue | Return) for part in walk(node)):
                    self._everything()
                self._block(owner, node.body, perhaps or decided)
                self._block(owner, node.orelse, perhaps or decided)
            case For() | While():
                self._block(owner, node.body, perhaps)
            case Return():
                if perhaps or any(self._of(owner, v) for v in node.values):
                    self._names.add((owner, _RESULT))
            case ThreadIndex() | Break() | Continue() | Evaluate():
                pass
        for name, view in self._views[owner].items():
            # a part of an array is the array
            for one, other in ((name, view.array), (view.array, name)):
                if (owner, one) in self._names:
                    self._names.add((owner, other))

    @staticmethod
    def _augments(node: AugmentedAssign) -> bool:
        return holds_floats(node.value.type) and not _is_defined(node.operator, (node.target.type, node.value.type))

    def _everything(self) -> None:
        """Which statements run is not known: every variable may be another."""
        for name, body in self._bodies():
            self._names.add((name, _RESULT))
            for part in (part for statement in body for part in walk(statement)):
                match part:
                    case Assign() | AugmentedAssign():
                        self._add(name, part.target)
                    case Atomic():
                        self._names.add((name, part.array))
                    case Unpack():
                        for target in part.targets:
                            self._add(name, target)

    def _add(self, owner: str, target: Target) -> None:
        match root(target):
            case Name(name=name) | Element(array=name):
                self._names.add((owner, name))

    # ------------------------------------------------------------ where it must not be

    def _steers(self, owner: str, node: Node) -> bool:
        match node:
            case Element(indices=parts) | View(indices=parts) | Atomic(indices=parts):
                found: tuple[Node | None, ...] = parts
            case Component():
                found = (node.index, node.column)
            case For():
                found = (node.start, node.stop, node.step)
            case While():
                found = (node.test,)
            case Apply(op="poisson", arguments=(_, rate)):
                # of a rate without end, candidates are rejected for ever
                return not isinstance(rate, Literal)
            case Apply(op=op, arguments=arguments) if op in _DANGEROUS and not any(
                holds_floats(a.type) for a in arguments
            ):
                found = arguments
            case AugmentedAssign() if node.operator in _DANGEROUS and not holds_floats(node.value.type):
                found = (node.target, node.value)
            case _:
                return False
        return any(part is not None and self._of(owner, part) for part in found)
