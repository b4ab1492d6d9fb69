"""Whether a program is well formed and well typed: what JSON's schema cannot say."""

from __future__ import annotations

import keyword
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

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
    Field,
    For,
    Function,
    If,
    Item,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Return,
    Slice,
    Statement,
    Static,
    StructParameter,
    Target,
    ThreadIndex,
    Unpack,
    View,
    While,
    Zeros,
    walk,
)
from strategies.language.render import COMPARISONS, INFIX, has_name, is_alias
from strategies.language.structs import leaves, root
from strategies.language.types import (
    BOOL,
    INT32,
    MAX_ARRAY_DIMENSIONS,
    VOID,
    Array,
    Composite,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    StructArray,
    Transform,
    Tuple,
    Type,
    Vector,
    element_scalar,
    quaternion,
    struct_array,
    tuple_of,
    vector,
)
from strategies.language.views import view_type

#: The type of an operation's result from those of its arguments, or None if there is no such operation; for an
#: atomic, what it returns of an array with such elements and such a value.
ResultType = Callable[[str, Sequence[Type]], Type | None]
#: Cells of an array, and threads of a launch, at most: programs are small, and a damaged file must not make
#: the reader allocate without bound.
MAX_CELLS: Final = 1 << 16
#: Cells of an array that a thread makes for itself: it lies on the thread's stack.
MAX_LOCAL_CELLS: Final = 256
#: Names that a kernel must not rebind: the module that every kernel uses, and what it is rendered with.
_RESERVED: Final = frozenset(("wp", "range", "float", "int", "bool"))


class IllFormed(ValueError):
    """A program that cannot be a kernel; the message says why."""


def check_program(program: Program, result_type: ResultType | None = None) -> None:
    """Raise `IllFormed` unless `program` is well formed and well typed.

    Without `result_type`, the results of operators and built-ins are taken at their word.
    """
    for number, function in enumerate(program.functions):
        _Checker(program, function, result_type, program.functions[:number]).function(function)
    _Checker(program, program, result_type, program.functions).run()


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise IllFormed(reason)


def _check_name(name: str) -> None:
    _require(
        name.isidentifier()
        and name.isascii()
        and not keyword.iskeyword(name)
        and name not in _RESERVED
        and not is_alias(name),
        f"{name!r} is no name for a variable",
    )


class _Checker:
    """Checks the kernel, or one function; `functions` are those that it may call."""

    def __init__(
        self,
        program: Program,
        owner: Program | Function,
        result_type: ResultType | None,
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
        self._loops = 0

    def run(self) -> None:
        program = self._program
        _check_name(program.name)
        _require(0 < len(program.launch) <= MAX_ARRAY_DIMENSIONS, "a launch has one to four dimensions")
        _require(
            min(program.launch) > 0 and math.prod(program.launch) <= MAX_CELLS,
            "the launch is too large, or empty",
        )
        _require(len(self._functions) == len(program.functions), "there are two functions of one name")
        members = self._struct_parameters()
        for parameter in program.parameters:
            _require(parameter.default is None, f"{parameter.name!r}, a kernel's parameter, has a default")
            if parameter.name not in members:
                _check_name(parameter.name)
            self._parameter(parameter)
            self._fixed.add(parameter.name)
            if parameter.name in members:
                self._member(parameter, members[parameter.name])
        _require(any(p.output for p in program.parameters), "the kernel has no output")
        first = program.body[0] if program.body else None
        _require(isinstance(first, ThreadIndex), "the kernel does not begin with its thread index")
        self._block(program.body)

    def function(self, function: Function) -> None:
        """Check `function` instead of the kernel."""
        _check_name(function.name)
        for parameter in function.parameters:
            _check_name(parameter.name)
            if isinstance(parameter.type, Struct | StructArray):
                self._bind_struct(parameter.name, parameter.type)
                self._require_new(parameter.name)
                self._parameters[parameter.name] = parameter
                continue
            self._parameter(parameter)
            if parameter.default is not None:
                self._expect(parameter.default, parameter.type)
        defaults = [p.default is not None for p in function.parameters]
        _require(
            defaults == sorted(defaults), f"a parameter without a default follows one with it in {function.name!r}"
        )
        _require(not isinstance(function.type, Array), f"{function.name!r} returns an array")
        _require(bool(function.body), f"{function.name!r} is empty")
        names = dict(self._names)
        self._block(function.body)
        _require(function.type is VOID or _returns(function.body), f"{function.name!r} may end without a result")
        if function.slopes:
            self._names = names
            self._slopes(function)
        if function.replay:
            self._names = dict(names)
            self._block(function.replay)
            _require(function.type is VOID or _returns(function.replay), f"the replay of {function.name!r} may not end")

    def _slopes(self, function: Function) -> None:
        """Check a gradient of a function's own: one number for each float, made of the parameters."""
        kinds = {p.type for p in function.inclined} | {function.type}
        _require(
            len(kinds) == 1 and len(function.slopes) == len(function.inclined),
            f"{function.name!r} has slopes that do not fit",
        )
        _require(
            all(isinstance(p.type, Scalar) and p.default is None for p in function.parameters),
            f"{function.name!r} has slopes and takes more than numbers",
        )
        for slope in function.slopes:
            self._expect(slope, function.type)
            _require(not any(isinstance(n, Call | Element) for n in walk(slope)), "a slope is made of operations alone")

    def _parameter(self, parameter: Parameter) -> None:
        name = parameter.name
        self._require_new(name)
        self._parameters[name] = parameter
        _require(
            math.isfinite(parameter.low) and math.isfinite(parameter.high) and parameter.low <= parameter.high,
            f"the values of {name!r} have no range",
        )
        _require(has_name(parameter.type), f"{parameter.type!r} has no name in Warp")
        low, high = (0, 1) if element_scalar(parameter.type).kind == "bool" else element_scalar(parameter.type).limits
        _require(low <= parameter.low and parameter.high <= high, f"{name!r} cannot hold its values")
        if isinstance(parameter.type, Array):
            _require(len(parameter.shape) == parameter.type.ndim, f"the shape of {name!r} does not fit its type")
            _require(
                min(parameter.shape) > 0 and math.prod(parameter.shape) <= MAX_CELLS,
                f"{name!r} is too large, or empty",
            )
        else:
            _require(not parameter.shape and not parameter.output, f"{name!r} is no array")
            _require(isinstance(parameter.type, Scalar | Composite), f"{name!r} has a type that is not passed")
            self._names[name] = parameter.type

    def _require_new(self, name: str) -> None:
        _require(name not in self._parameters, f"there are two parameters {name!r}")
        _require(name not in self._functions, f"{name!r} is a function and a parameter")

    def _struct_parameters(self) -> dict[str, StructParameter]:
        """The struct that each parameter is a field of, by the parameter's name."""
        members: dict[str, StructParameter] = {}
        names = [p.name for p in self._program.parameters]
        shapes = {p.name: p.shape for p in self._program.parameters}
        for given in self._program.structs:
            _check_name(given.name)
            _require(isinstance(given.type, Struct), f"{given.name!r} is no struct")
            assert isinstance(given.type, Struct)
            wanted = [f"{given.name}.{path}" for path, _ in leaves(given.type)]
            _require(given.name not in names and wanted[0] in names, f"{given.name!r} lacks its fields")
            first = names.index(wanted[0])
            _require(names[first : first + len(wanted)] == wanted, f"{given.name!r} lacks some of its fields")
            _require(not given.ndim or len({shapes[n] for n in wanted}) == 1, f"{given.name!r} has several shapes")
            members.update(dict.fromkeys(wanted, given))
            self._require_new(given.name)
            self._bind_struct(given.name, struct_array(given.type, given.ndim) if given.ndim else given.type)
            self._fixed.add(given.name)
        return members

    def _bind_struct(self, name: str, of: Struct | StructArray) -> None:
        _require(name not in self._names and name not in self._struct_arrays, f"there are two parameters {name!r}")
        if isinstance(of, StructArray):
            arrays = [field for _, field in leaves(of.dtype) if isinstance(field, Array)]
            _require(not arrays, f"{name!r} holds arrays in an array")
            self._struct_arrays[name] = of
            return
        self._names[name] = of
        for path, field in leaves(of):
            if isinstance(field, Array) and isinstance(self._owner, Function):
                whole = next(p for p in self._owner.parameters if p.name == name)
                self._parameters[f"{name}.{path}"] = Parameter(f"{name}.{path}", field, 0, 0, output=whole.output)

    def _member(self, parameter: Parameter, owner: StructParameter) -> None:
        """A parameter that is a field of a struct goes by that name only if it is an array."""
        assert isinstance(owner.type, Struct)
        field = dict(leaves(owner.type))[parameter.name.removeprefix(f"{owner.name}.")]
        self._names.pop(parameter.name, None)
        if owner.ndim:
            self._fields[parameter.name] = self._parameters.pop(parameter.name)
            _require(
                isinstance(parameter.type, Array)
                and (parameter.type.dtype, parameter.type.ndim) == (field, owner.ndim),
                f"{parameter.name!r} has another type than its struct says",
            )
        else:
            _require(parameter.type is field, f"{parameter.name!r} has another type than its struct says")

    # ------------------------------------------------------------ statements

    def _block(self, body: Sequence[Statement]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: Statement) -> None:
        match node:
            case ThreadIndex():
                _require(
                    node is self._owner.body[0] and isinstance(self._owner, Program),
                    "a thread index is no first statement",
                )
                _require(len(node.names) == len(self._program.launch), "the thread index does not fit the launch")
                for name in node.names:
                    self._bind(name, INT32, fixed=True)
            case Assign(target=Name() as name, value=View() | Zeros() as array):
                self._define_array(name, array)
            case Assign():
                value = self._struct_call(node.value)
                _require(isinstance(value, Scalar | Composite | Struct | Tuple), f"{value!r} is no type of a variable")
                self._assign(node.target, value)
            case AugmentedAssign():
                _require(node.operator in INFIX, f"{node.operator!r} is no binary operator")
                target, value = self._expression(node.target), self._expression(node.value)
                if self._result_type is not None:
                    found = self._result_type(node.operator, (target, value))
                    _require(found is target, f"{node.operator!r} does not take {target!r} and {value!r}")
                self._assign(node.target, target)
            case Atomic():
                self._atomic(node)
            case If():
                self._expect(node.test, BOOL)
                entry = dict(self._names)
                self._block(node.body)
                after, self._names = self._names, entry
                self._block(node.orelse)
                self._names = {n: t for n, t in self._names.items() if after.get(n) is t}
            case For():
                self._loop(node)
            case Break() | Continue():
                _require(self._loops > 0, "there is a break or a continue outside of loops")
            case Return():
                self._return(node)
            case While():
                self._expect(node.test, BOOL)
                entry = dict(self._names)
                self._loops += 1
                self._block(node.body)
                self._loops -= 1
                self._names = entry
            case Evaluate():
                self._expression(node.value)
            case Unpack():
                given = [self._expression(v) for v in node.values]
                if len(given) == 1 and isinstance(given[0], Tuple):
                    given = list(given[0].items)
                _require(len(given) == len(node.targets) > 1, "a tuple has another number of values than of targets")
                for place, of in zip(node.targets, given, strict=True):
                    self._assign(place, of)

    def _return(self, node: Return) -> None:
        found = [self._struct_call(v) for v in node.values]
        if isinstance(self._owner, Program):
            _require(not found, "a kernel returns a value")
            return
        wanted = self._owner.type
        given = returned_type(node)
        _require(given is wanted, f"{self._owner.name!r} returns {given!r} instead of {wanted!r}")

    def _bind(self, name: str, of: Type, fixed: bool) -> None:
        _check_name(name)
        array = name in self._parameters and isinstance(self._parameters[name].type, Array)
        _require(not array and name not in self._fixed, f"{name!r} may not be assigned")
        _require(name not in self._functions, f"{name!r} is a function and a variable")
        _require(self._names.get(name, of) is of, f"{name!r} changes its type")
        self._names[name] = of
        if fixed:
            self._fixed.add(name)

    def _assign(self, target: Target, value: Type) -> None:
        match target:
            case Name():
                _require(target.type is value, f"{target.name!r} is assigned a value of another type")
                if isinstance(value, Struct):
                    arrays = [field for _, field in leaves(value) if isinstance(field, Array)]
                    _require(not arrays, f"{target.name!r} is a local struct with arrays")
                self._bind(target.name, value, fixed=False)
            case Element() | Component() | Field():
                _require(self._expression(target) is value, "a part of something is assigned a value of another type")
                self._changed(target)

    def _changed(self, target: Component | Field | Element) -> None:
        """What the part that is assigned belongs to: a variable, or an element of an output."""
        match root(target):
            case Element(array=array) if array in self._struct_arrays:
                self._changed_fields(array, target)
            case Element(array=array):
                _require(self._array(array).output, f"{array!r} is no output")
            case Name(name=name):
                _require(name not in self._fixed, f"{name!r} may not be assigned")
            case _:
                raise IllFormed("a part of something else than a variable is assigned")

    def _changed_fields(self, array: str, target: Expression) -> None:
        """The fields of an element of an array of structs that an assignment changes must be outputs."""
        path = ""
        while isinstance(target, Component | Field):
            if isinstance(target, Field):
                path = f".{target.field}{path}"
            target = target.base
        whole = self._parameters.get(array)
        if whole is not None:
            _require(whole.output, f"{array!r} is no output")
            return
        changed = [p for n, p in self._fields.items() if f"{n}.".startswith(f"{array}{path}.")]
        _require(bool(changed) and all(p.output for p in changed), f"{array!r}{path} is no output")

    def _define_array(self, target: Name, value: View | Zeros) -> None:
        """An array keeps its name for itself: what an access means must not depend on how it was reached."""
        name, of = target.name, self._expression(value)
        _require(target.type is of, f"{name!r} is assigned a value of another type")
        taken = name in self._names or name in self._views or name in self._parameters
        _require(not taken, f"{name!r}, an array, is assigned twice")
        self._bind(name, of, fixed=False)
        if isinstance(value, Zeros):
            self._views[name] = Parameter(name, of, 0, 0, value.shape, output=True)
            return
        whole = self._array(value.array)
        self._views[name] = Parameter(name, of, whole.low, whole.high, output=whole.output)

    def _view(self, node: View) -> Type:
        of = self._array(node.array).type
        assert isinstance(of, Array)
        for index in node.indices:
            if not isinstance(index, Slice):
                self._expect(index, INT32)
                continue
            for part in (index.start, index.stop, index.step):
                if part is not None:
                    self._expect(part, INT32)
            _require(not isinstance(index.step, Literal) or index.step.value != 0, "a slice has a step of zero")
        found = view_type(of, node)
        _require(found is not None, f"{node.array!r} has no such view")
        assert found is not None
        return found

    def _atomic(self, node: Atomic) -> None:
        _require(node.op.startswith("atomic_"), f"{node.op!r} is no atomic operation")
        parameter = self._array(node.array)
        _require(parameter.output, f"{node.array!r} is no output")
        self._indices(parameter, node.indices)
        assert isinstance(parameter.type, Array)
        self._expect(node.value, parameter.type.dtype)
        _require((node.compare is not None) == (node.op == "atomic_cas"), f"{node.op!r} takes other arguments")
        if node.compare is not None:
            self._expect(node.compare, parameter.type.dtype)
        if self._result_type is not None:
            found = self._result_type(node.op, (parameter.type.dtype, node.value.type))
            _require(found is not None, f"{node.op!r} does not take {parameter.type!r}")
        if node.result is not None:
            self._assign(node.result, parameter.type.dtype)

    def _loop(self, node: For) -> None:
        for bound in (node.start, node.stop, node.step):
            if bound is not None:
                self._expect(bound, INT32)
        entry = dict(self._names)
        self._bind(node.name, INT32, fixed=False)
        self._loops += 1
        self._block(node.body)
        self._loops -= 1
        self._names = entry
        if certainly_runs(node):
            self._names[node.name] = INT32

    # ------------------------------------------------------------ expressions

    def _expect(self, node: Expression, wanted: Type) -> None:
        found = self._expression(node)
        _require(found is wanted, f"{found!r} stands where {wanted!r} is needed")

    def _struct_call(self, node: Expression) -> Type:
        """The type of what is assigned or returned: a struct that a function gives stands there alone."""
        if isinstance(node, Call) and isinstance(node.type, Struct):
            found = self._call(node)
            _require(found is node.type, f"a call of type {found!r} says that it is {node.type!r}")
            return found
        return self._expression(node)

    def _array(self, name: str) -> Parameter:
        parameter = self._parameters.get(name) or (self._views.get(name) if name in self._names else None)
        _require(parameter is not None and isinstance(parameter.type, Array), f"there is no array {name!r}")
        assert parameter is not None
        return parameter

    def _indices(self, parameter: Parameter, indices: Sequence[Expression]) -> None:
        assert isinstance(parameter.type, Array)
        _require(len(indices) == parameter.type.ndim, f"{parameter.name!r} has another number of dimensions")
        for index in indices:
            self._expect(index, INT32)

    def _expression(self, node: Expression) -> Type:
        """The type of an expression, which must be what the node says."""
        found = self._type(node)
        _require(found is node.type, f"an expression of type {found!r} says that it is {node.type!r}")
        parts = found.items if isinstance(found, Tuple) else () if found is VOID else (found,)
        _require(all(map(has_name, parts)), f"{found!r} has no name in Warp")
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
            case Name() if isinstance(node.type, Array):
                return self._array(node.name).type
            case Name() if isinstance(node.type, StructArray):
                _require(node.name in self._struct_arrays, f"there is no array {node.name!r}")
                return self._struct_arrays[node.name]
            case Name():
                _require(node.name in self._names, f"{node.name!r} has no value on some path")
                return self._names[node.name]
            case Apply():
                arguments = [self._expression(a) for a in node.arguments]
                if self._result_type is None:
                    return node.type
                found = self._result_type(node.op, node.argument_types)
                _require(found is not None, f"{node.op!r} does not take {arguments!r}")
                assert found is not None
                return found
            case Compare():
                return self._compare(node)
            case Logical():
                _require(node.operator in ("and", "or"), f"{node.operator!r} is no logical operator")
                _require(len(node.operands) > 1, f"{node.operator!r} has one operand")
                for operand in node.operands:
                    self._expect(operand, BOOL)
                return BOOL
            case Cast():
                source = self._expression(node.operand)
                _require(isinstance(source, Scalar) and isinstance(node.type, Scalar), "only scalars are converted")
                return node.type
            case Construct():
                return self._construct(node)
            case Component():
                return self._component(node)
            case Field():
                base = self._expression(node.base)
                _require(isinstance(base, Struct), "only structs have fields")
                assert isinstance(base, Struct)
                _require(node.field in dict(base.fields), f"{base.name!r} has no field {node.field!r}")
                return base.field(node.field)
            case Call():
                _require(not isinstance(node.type, Struct), "a struct that a call gives is part of an expression")
                return self._call(node)
            case Element() if node.array in self._struct_arrays:
                of = self._struct_arrays[node.array]
                _require(len(node.indices) == of.ndim, f"{node.array!r} has another number of dimensions")
                for index in node.indices:
                    self._expect(index, INT32)
                return of.dtype
            case Element():
                parameter = self._array(node.array)
                self._indices(parameter, node.indices)
                assert isinstance(parameter.type, Array)
                return parameter.type.dtype
            case View():
                return self._view(node)
            case Extent() if node.array in self._struct_arrays:
                _require(0 <= node.axis < self._struct_arrays[node.array].ndim, f"{node.array!r} has no such axis")
                return INT32
            case Zeros():
                _require(
                    isinstance(node.type, Array) and len(node.shape) == node.type.ndim,
                    "the shape of a new array does not fit its type",
                )
                _require(
                    min(node.shape) > 0 and math.prod(node.shape) <= MAX_LOCAL_CELLS,
                    "a new array is too large, or empty",
                )
                return node.type
            case Extent():
                whole = self._array(node.array).type
                _require(isinstance(whole, Array) and 0 <= node.axis < whole.ndim, f"{node.array!r} has no such axis")
                return INT32
            case Conditional():
                self._expect(node.test, BOOL)
                then = self._expression(node.then)
                self._expect(node.otherwise, then)
                return then
        raise IllFormed(f"{node!r} is no expression")

    def _constant(self, node: Constant) -> Type:
        _check_name(node.name)
        bound = {n.name for n in walk(self._owner) if isinstance(n, Name | For | Parameter)}
        _require(node.name not in bound, f"{node.name!r} is a constant and a variable")
        _require(node.name not in self._functions, f"{node.name!r} is a constant and a function")
        return self._literal(node.value)

    def _static(self, node: Expression) -> None:
        """Check what Python evaluates: numbers, constants, indices of loops, and what is computed of them."""
        match node:
            case Literal():
                self._literal(node)
            case Constant():
                self._constant(node)
            case Name():
                _require(self._names.get(node.name) is INT32, f"{node.name!r} is no index")
            case Item():
                _check_name(node.name)
                _require(len(node.values) > 0, f"{node.name!r} is empty")
                self._static(node.index)
            case Apply(op="add" | "sub" | "mul", arguments=arguments):
                for argument in arguments:
                    self._static(argument)
            case _:
                raise IllFormed("a static expression is made of numbers alone")

    @staticmethod
    def _literal(node: Literal) -> Type:
        of, value = node.type, node.value
        _require(isinstance(of, Scalar), "a literal is a scalar")
        assert isinstance(of, Scalar)
        if of.kind == "bool":
            _require(isinstance(value, bool), f"{value!r} is no truth value")
        else:
            low, high = of.limits
            _require(not isinstance(value, bool) and low <= value <= high, f"{value!r} is no value of type {of!r}")
            _require(of.is_float or isinstance(value, int), f"{value!r} is no value of type {of!r}")
        return of

    def _call(self, node: Call) -> Type:
        function = self._functions.get(node.function)
        _require(function is not None, f"there is no function {node.function!r} before this one")
        assert function is not None
        for parameter, argument in bound_arguments(function, node):
            if isinstance(parameter.type, Array):
                _require(isinstance(argument, Name | View), f"{parameter.name!r} takes an array")
                assert isinstance(argument, Name | View)
                given = self._array(argument.array if isinstance(argument, View) else argument.name)
                _require(given.output or not parameter.output, f"{given.name!r} is no output")
            self._expect(argument, parameter.type)
        if not node.derivative:
            return function.type
        _require(len(function.slopes) == len(function.parameters), f"{function.name!r} has no slopes to be had")
        return function.type if len(function.slopes) == 1 else tuple_of([function.type] * len(function.slopes))

    def _compare(self, node: Compare) -> Type:
        _require(len(node.operands) == len(node.operators) + 1 > 1, "a comparison lacks an operand")
        _require(all(o in COMPARISONS for o in node.operators), "there is no such comparison")
        first = self._expression(node.operands[0])
        _require(isinstance(first, Scalar), "only scalars are compared")
        for operand in node.operands[1:]:
            self._expect(operand, first)
        return BOOL

    def _construct(self, node: Construct) -> Type:
        if isinstance(node.type, Struct):
            wanted = [field for _, field in node.type.fields]
            _require(len(node.arguments) in (0, len(wanted)), f"{node.type.name!r} is made of another number of values")
            for argument, field in zip(node.arguments, wanted, strict=False):
                self._expect(argument, field)
            return node.type
        of = node.type
        _require(isinstance(of, Composite), "only vectors, matrices, quaternions and transformations are constructed")
        assert isinstance(of, Composite)
        found = tuple(self._expression(argument) for argument in node.arguments)
        _require(found in constructions(of), f"{of!r} is not made of {found!r}")
        return of

    def _component(self, node: Component) -> Type:
        base = self._expression(node.base)
        if isinstance(base, Tuple):
            _require(isinstance(node.index, Literal) and not node.attribute, "an item of a tuple has a fixed place")
            assert isinstance(node.index, Literal)
            _require(0 <= node.index.value < len(base.items), f"{base!r} has no item {node.index.value!r}")
            return base.items[int(node.index.value)]
        _require(isinstance(base, Composite), f"{base!r} has no components")
        assert isinstance(base, Composite)
        for index, extent in zip((node.index, node.column), base.shape, strict=False):
            if index is not None:
                self._expect(index, INT32)
            if isinstance(index, Literal):
                _require(0 <= index.value < extent, f"{base!r} has no component {index.value!r}")
        found = component_type(base, node)
        _require(found is not None, f"{base!r} has no such component")
        assert found is not None
        return found


def constructions(of: Composite) -> set[tuple[Type, ...]]:
    """The types of arguments that values of type `of` are made of."""
    one: tuple[Type, ...] = (of.dtype,)
    found: set[tuple[Type, ...]] = {(), one * of.length}
    match of:
        case Vector(length=6) if of.dtype.is_float:
            # a spatial vector, which is not made of one number
            found.add((vector(3, of.dtype),) * 2)
        case Vector() | Matrix():
            found.add(one)
        case Quaternion():
            found.add((vector(3, of.dtype), of.dtype))
        case Transform():
            found.add((vector(3, of.dtype), quaternion(of.dtype)))
    return found


def component_type(base: Composite, node: Component) -> Type | None:
    """The type of the component of a value of type `base` that `node` names, or None if there is none."""
    if not isinstance(base, Matrix) and node.column is not None:
        return None
    match base:
        case Matrix() if node.attribute:
            return None
        case Matrix():
            return base.dtype if node.column is not None else vector(base.columns, base.dtype)
        case Transform() if node.attribute:
            parts: dict[object, Type] = {0: vector(3, base.dtype), 1: quaternion(base.dtype)}
            return parts.get(node.index.value) if isinstance(node.index, Literal) else None
        case _ if node.attribute and not (isinstance(node.index, Literal) and base.length <= 4):
            return None
    return base.dtype


def bound_arguments(function: Function, call: Call) -> Iterator[tuple[Parameter, Expression]]:
    """The parameters of `function` with what `call` gives for them, in the order of evaluation: the arguments as they
    are written, then defaults.  Raises `IllFormed` if they do not fit."""
    plain = len(call.arguments) - len(call.keywords)
    _require(plain <= len(function.parameters), f"{function.name!r} takes fewer arguments")
    left = {p.name: p for p in function.parameters[plain:]}
    yield from zip(function.parameters, call.arguments[:plain], strict=False)
    for name, argument in zip(call.keywords, call.arguments[plain:], strict=True):
        _require(name in left, f"{function.name!r} has no further parameter {name!r}")
        yield left.pop(name), argument
    for parameter in left.values():
        _require(parameter.default is not None, f"{function.name!r} is called without {parameter.name!r}")
        assert parameter.default is not None
        yield parameter, parameter.default


def returned_type(node: Return) -> Type:
    """The type of what a function gives its caller."""
    found = [value.type for value in node.values]
    return VOID if not found else found[0] if len(found) == 1 else tuple_of(found)


def _returns(body: Sequence[Statement]) -> bool:
    """Whether every path through `body` that reaches its end has returned before."""
    match body[-1] if body else None:
        case Return():
            return True
        case If() as last:
            return _returns(last.body) and _returns(last.orelse)
    return False


def fixed(node: Expression) -> int | None:
    """The whole number that a literal or a constant is; None for any other expression."""
    found = node.value if isinstance(node, Constant) else node
    return int(found.value) if isinstance(found, Literal) else None


def certainly_runs(loop: For) -> bool:
    """Whether the body certainly runs, so that the loop's variable has a value afterwards."""
    bounds = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    values = [value for b in bounds if (value := fixed(b)) is not None]
    return len(values) == 3 and values[2] != 0 and len(range(*values)) > 0
