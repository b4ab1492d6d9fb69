"""The type of every expression, which must be what its node says."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from strategies.language.differentiation import called_type
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
    Field,
    For,
    Function,
    Item,
    Literal,
    Logical,
    Name,
    Parameter,
    Part,
    Program,
    Slice,
    Static,
    View,
    Zeros,
    walk,
)
from strategies.language.parts import part_type
from strategies.language.render import COMPARISONS, has_name
from strategies.language.rules import (
    IllFormed,
    bound_arguments,
    check_name,
    component_type,
    constructions,
    is_given,
    is_warps,
    require,
)
from strategies.language.several import is_item
from strategies.language.tiles import fits, is_tiled, joins, reduced
from strategies.language.types import (
    BOOL,
    INT32,
    VOID,
    Array,
    Composite,
    Scalar,
    Struct,
    StructArray,
    Tile,
    Tuple,
    Type,
)
from strategies.language.views import view_type

#: The type of an operation's result from those of its arguments, or None if there is no such operation; for an
#: atomic, what it returns of an array with such elements and such a value.
ResultType = Callable[[str, Sequence[Type]], Type | None]
#: Cells of an array that a thread makes for itself: it lies on the thread's stack.
MAX_LOCAL_CELLS: Final = 256


class ExpressionChecker(ABC):
    """Checks expressions, at a point where it knows what is defined.

    It stands in the kernel, or in one function; `functions` are those that it may call.
    """

    def __init__(
        self,
        program: Program,
        owner: Program | Function,
        result_type: ResultType,
        functions: Sequence[Function],
    ) -> None:
        self._program = program
        self._owner = owner
        self._result_type = result_type
        self._functions = {f.name: f for f in functions}
        self._parameters: dict[str, Parameter] = {}
        self._struct_arrays: dict[str, StructArray] = {}
        #: the fields of arrays of structs, by their dotted names
        self._fields: dict[str, Parameter] = {}
        #: the type of every name defined so far on every path, and those that may not be assigned
        self._names: dict[str, Type] = {}
        self._fixed: set[str] = set()
        #: parts of arrays, by their local names
        self._views: dict[str, Parameter] = {}
        #: tiles that may be the same numbers as others
        self._sharing: set[str] = set()
        #: the indexed arrays, which are read and written element by element alone, and their axes
        self._indexed: dict[str, tuple[int, ...]] = {}
        self._loops = 0

    def _expect(self, node: Expression, wanted: Type) -> None:
        found = self._expression(node)
        require(found is wanted, f"{found!r} stands where {wanted!r} is needed")

    def _test(self, node: Expression) -> None:
        """Check what a branch or a loop is decided by: a truth value, or a whole number that stands for one."""
        if not isinstance(node, Cast) or not node.implied:
            self._expect(node, BOOL)
            return
        number = self._expression(node.operand)
        require(node.type is BOOL and node.like is None and not node.short, "a conversion that is left out is written")
        require(isinstance(number, Scalar) and number.is_integer, f"{number!r} stands for no truth value")

    def _expression(self, node: Expression) -> Type:
        """The type of an expression, which must be what the node says."""
        found = self._type(node)
        if isinstance(node, Literal | Cast | Construct) and node.like is not None:
            self._like(node.type, node.like)
        require(found is node.type, f"an expression of type {found!r} says that it is {node.type!r}")
        parts = found.items if isinstance(found, Tuple) else () if found is VOID else (found,)
        require(all(map(has_name, parts)), f"{found!r} has no name in Warp")
        return found

    def _type(self, node: Expression) -> Type:
        match node:
            case Literal():
                return self._literal(node)
            case Constant():
                return self._constant(node)
            case Static():
                self._static(node.value)
                return node.type
            case Name():
                return self._name(node)
            case Apply() if is_tiled(node):
                return self._tiled(node)
            case Apply():
                return self._applied(node)
            case Compare():
                return self._compare(node)
            case Logical():
                require(node.operator in ("and", "or"), f"{node.operator!r} is no logical operator")
                require(len(node.operands) > 1, f"{node.operator!r} has one operand")
                for operand in node.operands:
                    self._expect(operand, BOOL)
                return BOOL
            case Cast():
                require(not node.implied, "a conversion is left out in what is no test")
                source = self._expression(node.operand)
                require(isinstance(source, Scalar) and isinstance(node.type, Scalar), "only scalars are converted")
                return node.type
            case Construct():
                return self._construct(node)
            case Component():
                return self._component(node)
            case Field():
                return self._field(node)
            case Call() if isinstance(node.type, Tile):
                return self._mapped(node)
            case Call():
                require(not isinstance(node.type, Struct), "a struct that a call gives is part of an expression")
                return self._call(node)
            case Element():
                return self._element(node)
            case Part():
                found = part_type(self._expression(node.base), node)
                require(found is not None, f"a {node.base.type!r} has no such part of several numbers")
                assert found is not None
                return found
            case View():
                return self._view(node)
            case Extent():
                return self._extent(node)
            case Zeros():
                return self._zeros(node)
            case Conditional():
                self._expect(node.test, BOOL)
                then = self._expression(node.then)
                self._expect(node.otherwise, then)
                return then
        raise IllFormed(f"{node!r} is no expression")

    def _like(self, of: Type, like: Expression) -> None:
        """Check what a type is taken from: a variable, or an element or a component by a name or a number."""
        parts = like.indices if isinstance(like, Element) else (like.index,) if isinstance(like, Component) else ()
        require(
            (isinstance(like, Name | Element) or (isinstance(like, Component) and isinstance(like.base, Name)))
            and all(isinstance(part, Name | Literal) for part in parts),
            "a type is taken from something else than a variable",
        )
        found = self._expression(like)
        while isinstance(found, Array | Composite) and found is not of:
            found = found.dtype
        require(found is of, f"a value of type {of!r} has its type from a {like.type!r}")

    def _struct_call(self, node: Expression) -> Type:
        """The type of what is assigned or returned: a struct that a function gives stands there alone."""
        if isinstance(node, Call) and isinstance(node.type, Struct):
            found = self._call(node)
            require(found is node.type, f"a call of type {found!r} says that it is {node.type!r}")
            return found
        return self._expression(node)

    # ------------------------------------------------------------ names, arrays and their parts

    def _name(self, node: Name) -> Type:
        if isinstance(node.type, Array):
            return self._array(node.name).type
        if isinstance(node.type, StructArray):
            require(node.name in self._struct_arrays, f"there is no array {node.name!r}")
            return self._struct_arrays[node.name]
        require(node.name in self._names, f"{node.name!r} has no value on some path")
        return self._names[node.name]

    def _element(self, node: Element) -> Type:
        require(not node.brackets or len(node.indices) > 1, f"{node.array!r} has one index, in several brackets")
        if node.array in self._struct_arrays:
            of = self._struct_arrays[node.array]
            require(len(node.indices) == of.ndim, f"{node.array!r} has another number of dimensions")
            for index in node.indices:
                self._expect(index, INT32)
            return of.dtype
        parameter = self._array(node.array)
        self._indices(parameter, node.indices)
        assert isinstance(parameter.type, Array)
        return parameter.type.dtype

    def _extent(self, node: Extent) -> Type:
        whole = self._struct_arrays.get(node.array) or self._array(node.array).type
        assert isinstance(whole, Array | StructArray)
        require(0 <= node.axis < whole.ndim, f"{node.array!r} has no such axis")
        return INT32

    def _zeros(self, node: Zeros) -> Type:
        fits_type = isinstance(node.type, Array) and len(node.shape) == node.type.ndim
        require(fits_type, "the shape of a new array does not fit its type")
        cells = math.prod(node.shape)
        require(min(node.shape) > 0 and cells <= MAX_LOCAL_CELLS, "a new array is too large, or empty")
        return node.type

    def _array(self, name: str) -> Parameter:
        parameter = self._parameters.get(name) or (self._views.get(name) if name in self._names else None)
        require(parameter is not None and isinstance(parameter.type, Array), f"there is no array {name!r}")
        assert parameter is not None
        return parameter

    def _indices(self, parameter: Parameter, indices: Sequence[Expression]) -> None:
        assert isinstance(parameter.type, Array)
        require(len(indices) == parameter.type.ndim, f"{parameter.name!r} has another number of dimensions")
        for index in indices:
            self._expect(index, INT32)

    def _view(self, node: View) -> Type:
        of = self._array(node.array).type
        assert isinstance(of, Array)
        require(node.array not in self._indexed, f"{node.array!r}, an indexed array, has no views")
        for index in node.indices:
            if not isinstance(index, Slice):
                self._expect(index, INT32)
                continue
            for part in (index.start, index.stop, index.step):
                if part is not None:
                    self._expect(part, INT32)
            require(not isinstance(index.step, Literal) or index.step.value != 0, "a slice has a step of zero")
        found = view_type(of, node)
        require(found is not None, f"{node.array!r} has no such view")
        assert found is not None
        return found

    # ------------------------------------------------------------ numbers that Python knows

    def _constant(self, node: Constant) -> Type:
        if not node.is_own:
            require(is_warps(node), f"{node.name!r} is no number of Warp's, or another one")
            return node.type
        check_name(node.name)
        # a function's own variables are none of the kernel's
        own = (*self._owner.parameters, *self._owner.body)
        bound = {n.name for part in own for n in walk(part) if isinstance(n, Name | For | Parameter)}
        require(node.name not in bound, f"{node.name!r} is a constant and a variable")
        require(node.name not in self._functions, f"{node.name!r} is a constant and a function")
        if isinstance(node.value, Literal):
            return self._literal(node.value)
        require(is_given(node.value), f"{node.name!r} is made of other numbers than a {node.value.type!r}")
        for number in node.value.values:
            self._literal(number)
        return node.value.type

    def _static(self, node: Expression) -> None:
        """Check what Python evaluates: numbers, constants, indices of loops, and what is computed of them."""
        match node:
            case Literal():
                self._literal(node)
            case Constant():
                require(isinstance(self._constant(node), Scalar), f"{node.name!r} is no number")
            case Name():
                require(self._names.get(node.name) is INT32, f"{node.name!r} is no index")
            case Item():
                check_name(node.name)
                require(len(node.values) > 0, f"{node.name!r} is empty")
                self._static(node.index)
            case Apply(op="add" | "sub" | "mul", arguments=arguments):
                for argument in arguments:
                    self._static(argument)
            case _:
                raise IllFormed("a static expression is made of numbers alone")

    @staticmethod
    def _literal(node: Literal) -> Type:
        of, value = node.type, node.value
        require(isinstance(of, Scalar), "a literal is a scalar")
        assert isinstance(of, Scalar)
        if of.kind == "bool":
            require(isinstance(value, bool), f"{value!r} is no truth value")
        else:
            low, high = of.limits
            require(not isinstance(value, bool) and low <= value <= high, f"{value!r} is no value of type {of!r}")
            require(of.is_float or isinstance(value, int), f"{value!r} is no value of type {of!r}")
        return of

    # ------------------------------------------------------------ calls, comparisons, values of several numbers

    def _applied(self, node: Apply) -> Type:
        require(not is_item(node.op), f"{node.op!r}, one of several results, stands alone")
        arguments = [self._expression(a) for a in node.arguments]
        found = self._result_type(node.op, node.argument_types)
        require(found is not None, f"{node.op!r} does not take {arguments!r}")
        assert found is not None
        return found

    def _tiled(self, node: Apply) -> Type:
        require(self._program.block_dim > 0, "there is a tile in a kernel that is launched without blocks")
        for argument in node.arguments:
            self._expression(argument)
            hidden = isinstance(argument, Name) and argument.name in self._indexed
            require(not hidden, "a tile is loaded from an indexed array")
        require(not is_item(node.op), f"{node.op!r}, one of several results, stands alone")
        require(fits(node, self._result_type), f"{node.op!r} does not make {node.type!r} of its arguments")
        return node.type

    def _field(self, node: Field) -> Type:
        base = self._expression(node.base)
        require(isinstance(base, Struct), "only structs have fields")
        assert isinstance(base, Struct)
        require(node.field in dict(base.fields), f"{base.name!r} has no field {node.field!r}")
        return base.field(node.field)

    def _call(self, node: Call) -> Type:
        function = self._functions.get(node.function)
        require(function is not None, f"there is no function {node.function!r} before this one")
        assert function is not None
        require(not node.folds, f"{node.function!r} makes one number of no tile")
        require(node.given == tuple(p.function for p in function.passed), f"{node.function!r} is given other functions")
        through = self._owner.through.get(node.function) if isinstance(self._owner, Function) else None
        require(node.through == through, f"{node.function!r} is called by another name")
        for parameter, argument in bound_arguments(function, node):
            if isinstance(parameter.type, Array):
                require(isinstance(argument, Name | View), f"{parameter.name!r} takes an array")
                assert isinstance(argument, Name | View)
                given = self._array(argument.array if isinstance(argument, View) else argument.name)
                axes = self._indexed.get(given.name, ())
                require(axes == parameter.axes, f"{given.name!r} is indexed otherwise than {parameter.name!r}")
                require(not (axes and node.keywords), "an indexed array is given beside names")
                require(given.output or not parameter.output, f"{given.name!r} is no output")
            if isinstance(parameter.type, Tuple):
                require(isinstance(argument, Name | Construct), f"{parameter.name!r} takes a tuple")
            self._expect(argument, parameter.type)
            if parameter.reference:
                self._reference(argument)
        return called_type(function, node)

    def _reference(self, argument: Expression) -> None:
        """What is passed as a reference may be changed, as a target may."""
        whole = argument.name if isinstance(argument, Name) else ""
        require(whole not in self._fixed, f"{whole!r} may not be changed")
        if isinstance(argument, Component | Field | Element):
            self._changed(argument)

    @abstractmethod
    def _changed(self, target: Component | Field | Element | Part) -> None:
        """Check that what a part belongs to may be changed."""

    def _compare(self, node: Compare) -> Type:
        require(len(node.operands) == len(node.operators) + 1 > 1, "a comparison lacks an operand")
        require(all(o in COMPARISONS for o in node.operators), "there is no such comparison")
        first = self._expression(node.operands[0])
        if isinstance(first, Composite):
            require(node.operators in (("==",), ("!=",)), "values of several numbers are alike or not, and no more")
        else:
            require(isinstance(first, Scalar), "only scalars, and values of several numbers, are compared")
        for operand in node.operands[1:]:
            self._expect(operand, first)
        return BOOL

    def _construct(self, node: Construct) -> Type:
        if isinstance(node.type, Struct):
            wanted = [field for _, field in node.type.fields]
            require(len(node.arguments) in (0, len(wanted)), f"{node.type.name!r} is made of another number of values")
            for argument, field in zip(node.arguments, wanted, strict=False):
                self._expect(argument, field)
            return node.type
        of = node.type
        if isinstance(of, Tuple):
            found = tuple(self._expression(argument) for argument in node.arguments)
            require(found == of.items and len(found) > 1, f"{of!r} is made of other items")
            return of
        require(isinstance(of, Composite), "only vectors, matrices, quaternions and transformations are constructed")
        assert isinstance(of, Composite)
        found = tuple(self._expression(argument) for argument in node.arguments)
        require(found in constructions(of), f"{of!r} is not made of {found!r}")
        return of

    def _mapped(self, node: Call) -> Type:
        """A function that is mapped over tiles, number by number."""
        assert isinstance(node.type, Tile)
        function = self._functions.get(node.function)
        require(function is not None, f"there is no function {node.function!r} before this one")
        assert function is not None
        require(not node.keywords and not node.derivative, f"{node.function!r} is mapped over tiles by their places")
        if node.folds:
            self._folded(node, function)
            return node.type
        require(len(node.arguments) == len(function.parameters), f"{node.function!r} takes other arguments")
        for argument in node.arguments:
            self._expect(argument, node.type)
        kinds = {function.type, *(p.type for p in function.parameters)}
        require(kinds == {node.type.dtype}, f"{node.function!r} takes other numbers")
        return node.type

    def _folded(self, node: Call, function: Function) -> None:
        """A function that makes one number of many, in an order that is not known."""
        of, *_ = (self._expression(argument) for argument in node.arguments)
        require(isinstance(of, Tile) and node.type is reduced(of, node), f"{node.function!r} makes another tile")
        assert isinstance(of, Tile)
        require(joins(function) and function.type is of.dtype, f"{node.function!r} depends on an order")

    def _component(self, node: Component) -> Type:
        base = self._expression(node.base)
        if isinstance(base, Tile):
            places = (node.index,) if node.column is None else (node.index, node.column)
            require(not node.attribute, f"{base!r} has no attributes")
            require(
                fits(Apply(base.dtype, "tile_extract", (node.base, *places)), self._result_type),
                f"{base!r} has no such number",
            )
            return base.dtype
        if isinstance(base, Tuple):
            require(isinstance(node.index, Literal) and not node.attribute, "an item of a tuple has a fixed place")
            require(isinstance(node.base, Name), "an item is taken out of what has no name")
            assert isinstance(node.index, Literal)
            require(
                -len(base.items) <= node.index.value < len(base.items), f"{base!r} has no item {node.index.value!r}"
            )
            return base.items[int(node.index.value)]
        require(isinstance(base, Composite), f"{base!r} has no components")
        assert isinstance(base, Composite)
        for index, extent in zip((node.index, node.column), base.shape, strict=False):
            if index is not None:
                self._expect(index, INT32)
            if isinstance(index, Literal):
                require(0 <= index.value < extent, f"{base!r} has no component {index.value!r}")
        found = component_type(base, node)
        require(found is not None, f"{base!r} has no such component")
        assert found is not None
        return found
