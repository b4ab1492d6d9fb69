"""What an expression means: its value in every lane."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.oracle.atomics import Atomics
from harness.oracle.control_flow import EVERYWHERE, InvalidProgram, item_name
from harness.oracle.lanes import Mask, Values, numbers_last
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Construct,
    Element,
    Expression,
    Extent,
    Item,
    Literal,
    Logical,
    Name,
    Static,
)
from strategies.language.types import Composite, Scalar, Tuple, Type
from strategies.ops import Decision, OpSpec, overload
from strategies.ops.decisions import truncated
from strategies.ops.random_generator import after

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


def _shaped(values: Values, of: Type) -> Values:
    """`values` with the axes that one value of type `of` has, and lanes in front."""
    return values.reshape(*values.shape[:3], *of.shape) if isinstance(of, Composite) else values


def _farthest(difference: Values) -> Values:
    """How far two values are apart: in the number in which they are so most, if they have several."""
    found: Values = np.abs(difference)
    return found.max(axis=3) if found.ndim == 4 else found


class Operations(Atomics):
    """The part of an evaluation that gives expressions their values."""

    def _value(self, node: Expression, mask: Mask) -> Values:
        match node:
            case Literal():
                # through the literal's own type: in float64 mode, too, 0.1 is the float32 nearest to it
                own = np.dtype("?" if node.type.notation == "bool" else node.type.notation)
                return np.full((1, 1, 1), node.value, own).astype(self._dtype(node.type))
            case Constant():
                return self._value(node.made, mask)
            case Static():
                own = np.dtype("?" if node.type.notation == "bool" else node.type.notation)
                return self._in_python(node.value, mask).astype(own).astype(self._dtype(node.type))
            case Name():
                return self._variable(node.name, mask)
            case Apply():
                row, arguments = self._row(node), [self._value(a, mask) for a in node.arguments]
                found = self._apply(row, node, arguments, mask)
                if row.advances and isinstance(node.arguments[0], Name):
                    steps = row.advances(*arguments) if callable(row.advances) else row.advances
                    self._assign(node.arguments[0], after(arguments[0], steps), mask)
                return found
            case Compare():
                return self._compare(node, mask)
            case Logical():
                return self._logical(node, mask)
            case Cast():
                return self._cast(self._value(node.operand, mask), node.operand.type, node.type, mask)
            case Construct():
                return self._construct(node, mask)
            case Component(base=Name(type=Tuple() as of, name=name), index=Literal() as item):
                return self._variable(item_name(name, int(item.value) % len(of.items)), mask)
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
            case Constant(value=Literal() as number):
                return self._in_python(number, mask)
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

    @staticmethod
    def _row(node: Apply) -> OpSpec:
        return overload(node.op, node.argument_types)

    def _apply(self, row: OpSpec, node: Apply, arguments: list[Values], mask: Mask) -> Values:
        if row.shaped:
            arguments = [_shaped(a, given.type) for a, given in zip(arguments, node.arguments, strict=True)]
        elif any(a.ndim == 4 for a in arguments):
            arguments = list(map(numbers_last, arguments))
        first = node.arguments[0].type if node.arguments else node.type
        #: an operation on numbers of several types rounds to that of the floats among them
        rounded = next((of for of in node.argument_types if types.element_scalar(of).is_float), node.type)
        if row.decides_on_rounded and row.decisions is not None:
            for decision in row.decisions(lambda v: self._round(v, first), *arguments):
                self._decide(decision, mask, row.jumps, types.element_scalar(first))
        elif row.decides_on_the_way and row.decisions is not None:
            for decision in row.decisions(self._rounding(rounded), *arguments):
                self._decide(decision, mask, row.jumps)
        elif row.decisions is not None:
            for decision in row.decisions(*arguments):
                self._decide(decision, mask, row.jumps)
        if row.error(node.type) > 0 and row.name not in ("add", "sub"):
            arguments = [self._perturb_adjoint(a, node.arguments[n].type) for n, a in enumerate(arguments)]
        if row.decides_on_rounded:
            found = row.reference(lambda v: self._round(v, first), *arguments)
        elif row.composite:
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
            if types.element_scalar(rounded).bits == 16:
                self._note_steep(slopes, mask)
            if row.shaped:
                found = self._perturb_slopes(found, slopes, arguments, node.type)
            else:
                found = self._perturb_slope(found, slopes, arguments, node.type)
        if row.composite:
            return found
        if row.error_floor and self.noise is not None:
            return self._perturb(found + row.error_floor, node.type, row.error(node.type)) - row.error_floor
        return self._perturb(found, node.type, row.error(node.type))

    def _compare(self, node: Compare, mask: Mask) -> Values:
        """A chain: each operand is evaluated once, and only where the links before it hold."""
        left = self._value(node.operands[0], mask)
        found: Values = np.ones((1, 1, 1), bool)
        if self.nonfinite and len(node.operators) > 1:
            # adjoints pass through operands that a chain leaves out, and make NaN there
            self._nonfinite[:] = True
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            right = self._value(operand, mask & found)
            link: Values = _COMPARE[operator](left, right)
            if left.ndim == 4:
                link = np.asarray(link.all(axis=3) if operator == "==" else link.any(axis=3))
            if left.dtype.kind == "f":
                self._decide(Decision(link, _farthest(left - right)), mask & found, jump=True)
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
            fits = (value > low - 1) & (value < high + 1)
            self._note_conversion(fits, mask)
            if self.native and not self.nonfinite and np.any(mask & ~fits):
                raise InvalidProgram(f"{self.program.name} converts a float that {target.notation} cannot hold")
            value = np.where(fits, value, 0)
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
        if len(parts) == 1 and isinstance(source := node.arguments[0].type, Composite):
            if source is node.type:
                return parts[0]
            numbers = np.moveaxis(parts[0], 3, 0)
            return np.stack([self._cast(n, source.dtype, node.type.dtype, mask) for n in numbers], axis=3)
        if len(parts) == 1 and parts[0].ndim == 3:
            parts = parts * node.type.length
        lanes = np.broadcast_shapes(*(p.shape[:3] for p in parts))
        flat = map(numbers_last, parts)
        return np.concatenate([np.broadcast_to(p, (*lanes, p.shape[3])) for p in flat], axis=-1)
