"""Whether a program is well formed and well typed: what JSON's schema cannot say.

Here are launches, parameters, functions and statements; expressions are in `expression_types`, and what others ask
about too in `rules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from strategies.language.closures import made_name
from strategies.language.cotangents import check_linear
from strategies.language.expression_types import ExpressionChecker, ResultType
from strategies.language.generics import GENERIC, allows, instances
from strategies.language.indexed import all_members, members, shape_of
from strategies.language.manners import may_be_in_line
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Break,
    Closure,
    Component,
    Constant,
    Continue,
    Contribute,
    Element,
    Evaluate,
    Expression,
    Field,
    For,
    Function,
    If,
    IndexedParameter,
    Name,
    Options,
    Parameter,
    Part,
    Program,
    Return,
    Statement,
    StructParameter,
    Target,
    ThreadIndex,
    TileStore,
    Unpack,
    View,
    While,
    Zeros,
    root,
    walk,
)
from strategies.language.overloads import check_overloads
from strategies.language.parts import changes_itself
from strategies.language.references import check_references
from strategies.language.render import AUGMENTED, MANNERS, has_name
from strategies.language.rules import (
    IllFormed,
    certainly_runs,
    check_name,
    leaves_early,
    require,
    returned_type,
    returns,
    unpacked_types,
)
from strategies.language.several import called, is_whole
from strategies.language.structs import leaves
from strategies.language.tiles import FACTORS, IN_PLACE, STORES, accumulates, multiplies, shared_by, sorts, takes_update
from strategies.language.types import (
    INT32,
    MAX_ARRAY_DIMENSIONS,
    VOID,
    Array,
    Composite,
    Scalar,
    Struct,
    StructArray,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
    array,
    element_scalar,
    struct_array,
)
from strategies.language.views import roots

#: Cells of an array, and threads of a launch, at most: programs are small, and a damaged file must not make
#: the reader allocate without bound.
MAX_CELLS: Final = 1 << 16
#: Iterations of a loop that may be unrolled, at most: each is compiled.
MAX_UNROLLED: Final = 64
#: Threads of a block, as CUDA has them.
MAX_BLOCK_DIM: Final = 1024


def check_program(program: Program, result_type: ResultType) -> None:
    """Raise `IllFormed` unless `program` is well formed and well typed, with operations as `result_type` knows them."""
    for number, function in enumerate(program.functions):
        _Checker(program, function, result_type, program.functions[:number]).function(function)
    _Checker(program, program, result_type, program.functions).run()
    check_overloads(program)
    check_references(program)
    for instance in instances(program):
        check_program(instance, result_type)


def _check_options(options: Options) -> None:
    require(options != Options(), "the options of the kernel say nothing")
    most = 0 if options.max_unroll is None else options.max_unroll
    require(0 <= most <= MAX_UNROLLED, f"loops of {most} iterations are not unrolled")
    require(options.mode in (None, "debug", "release"), f"{options.mode!r} is no mode of a build")


class _Checker(ExpressionChecker):
    """Checks the kernel, or one function: its parameters and its statements."""

    def run(self) -> None:
        program = self._program
        check_name(program.name)
        require(0 < len(program.launch) <= MAX_ARRAY_DIMENSIONS, "a launch has one to four dimensions")
        require(
            min(program.launch) > 0 and math.prod(program.launch) <= MAX_CELLS,
            "the launch is too large, or empty",
        )
        if program.options is not None:
            _check_options(program.options)
        require(len(self._functions) == len(program.functions), "there are two functions of one name")
        require(0 <= program.block_dim <= MAX_BLOCK_DIM, "a block has too many threads")
        manners = [name for name in MANNERS if name in program.annotations]
        require(list(program.annotations) == manners, "annotations are written in no known manner")
        members = self._struct_parameters()
        parts = all_members(program)
        for parameter in program.parameters:
            require(parameter.default is None, f"{parameter.name!r}, a kernel's parameter, has a default")
            require(not parameter.axes, f"{parameter.name!r}, a kernel's parameter, has axes of its own")
            require(not parameter.reference, f"{parameter.name!r}, a kernel's parameter, is a reference")
            if parameter.name not in members and parameter.name not in parts:
                check_name(parameter.name)
            self._parameter(parameter)
            self._fixed.add(parameter.name)
            if parameter.name in members:
                self._member(parameter, members[parameter.name])
        for given in program.indexed:
            self._indexed_parameter(given)
        require(any(p.output for p in program.parameters), "the kernel has no output")
        first = program.body[0] if program.body else None
        require(isinstance(first, ThreadIndex), "the kernel does not begin with its thread index")
        self._block(program.body)

    def function(self, function: Function) -> None:
        """Check `function` instead of the kernel."""
        check_name(function.name)
        closure = function.closure
        given = (*function.passed, *(() if closure is None else closure.functions))
        for one in given:
            check_name(one.name)
            require(one.function in self._functions, f"there is no function {one.function!r} before this one")
            require(not self._functions[one.function].passed, f"{one.function!r} takes functions itself")
            self._require_new(one.name)
            self._fixed.add(one.name)
        require(len({p.function for p in given}) == len({p.name for p in given}) == len(given), "one is given twice")
        if closure is not None:
            self._closure(function, closure)
        for parameter in function.parameters:
            check_name(parameter.name)
            require(parameter.name not in self._fixed, f"there are two parameters {parameter.name!r}")
            if isinstance(parameter.type, Struct | StructArray):
                self._bind_struct(parameter.name, parameter.type)
                self._require_new(parameter.name)
                self._parameters[parameter.name] = parameter
                continue
            if isinstance(parameter.type, Tuple):
                self._tuple(parameter, parameter.type)
                continue
            self._parameter(parameter)
            if parameter.axes:
                axes, ndim = parameter.axes, len(parameter.shape)
                require(list(axes) == sorted(set(axes)) and 0 <= axes[0] <= axes[-1] < ndim, "there is no such axis")
                self._indexed[parameter.name] = axes
            if parameter.default is not None:
                self._expect(parameter.default, parameter.type)
        defaults = [p.default is not None for p in function.parameters]
        require(defaults == sorted(defaults), f"a parameter without a default follows one with it in {function.name!r}")
        require(not isinstance(function.type, Array), f"{function.name!r} returns an array")
        require(bool(function.body), f"{function.name!r} is empty")
        names = dict(self._names)
        self._block(function.body)
        require(function.type is VOID or returns(function.body), f"{function.name!r} may end without a result")
        if function.own_gradient:
            self._names = dict(names)
            self._gradient(function)
        if function.replay:
            self._names = dict(names)
            self._block(function.replay)
            require(function.type is VOID or returns(function.replay), f"the replay of {function.name!r} may not end")

    def _closure(self, function: Function, closure: Closure) -> None:
        """Check that what a factory's function captures is what it has in its body."""
        check_name(closure.factory)
        require(made_name(closure) != "", f"{closure.factory!r} is no name of a factory")
        require(
            not function.own_gradient and not function.replay,
            f"{function.name!r} is made, and has a gradient of its own",
        )
        names = [number.name for number in closure.numbers]
        taken = {*self._fixed, *self._functions, *(p.name for p in function.parameters)}
        require(len(set(names)) == len(names) and not taken.intersection(names), "two things captured have one name")
        for number in closure.numbers:
            self._constant(number)
        used = {n.name: n for s in function.body for n in walk(s) if isinstance(n, Constant) and n.name in names}
        require(used == {n.name: n for n in closure.numbers}, f"{function.name!r} captures other numbers")

    def _gradient(self, function: Function) -> None:
        """Check a gradient of a function's own: made of the parameters, and linear in the cotangents of its results."""
        kinds = {p.type for p in function.inclined} | {function.type}
        fits = len(kinds) == 1 and len(function.slopes) == len(function.inclined) and not function.adjoint
        require(not function.slopes or fits, f"{function.name!r} has slopes that do not fit")
        floats = all(isinstance(of, Scalar | Vector) and element_scalar(of).is_float for of in function.results)
        require(
            bool(function.results) and floats and bool(function.inclined),
            f"{function.name!r} has a gradient of its own and gives or takes no float",
        )
        require(
            all(_has_a_gradient(p, function) and p.default is None for p in function.parameters),
            f"{function.name!r} has a gradient of its own and takes more than numbers",
        )
        body = function.own_gradient
        parts = [part for statement in body for part in walk(statement)]
        require(not any(isinstance(n, Element) for n in parts), "a gradient is made of operations and calls alone")
        require(any(isinstance(n, Contribute) for n in parts), f"the gradient of {function.name!r} gives nothing")
        for cotangent in function.cotangents:
            self._require_new(cotangent.name)
            self._bind(cotangent.name, cotangent.type, fixed=True)
        self._fixed |= {p.name for p in function.parameters}
        self._block(body)
        check_linear(function)

    def _parameter(self, parameter: Parameter) -> None:
        name = parameter.name
        self._require_new(name)
        self._parameters[name] = parameter
        require(
            math.isfinite(parameter.low) and math.isfinite(parameter.high) and parameter.low <= parameter.high,
            f"the values of {name!r} have no range",
        )
        require(has_name(parameter.type), f"{parameter.type!r} has no name in Warp")
        require(parameter.generic in (None, *GENERIC), f"{parameter.name!r} is generic in no known way")
        fits = parameter.generic is None or allows(parameter.generic, element_scalar(parameter.type))
        require(fits, f"{parameter.name!r} is any {parameter.generic}, and has another type")
        low, high = (0, 1) if element_scalar(parameter.type).kind == "bool" else element_scalar(parameter.type).limits
        require(low <= parameter.low and parameter.high <= high, f"{name!r} cannot hold its values")
        require(
            not parameter.distinct
            or (
                element_scalar(parameter.type).is_integer
                and math.prod(parameter.shape) <= parameter.high - parameter.low + 1 <= MAX_CELLS
            ),
            f"{name!r} cannot hold as many different values",
        )
        if isinstance(parameter.type, Array):
            require(len(parameter.shape) == parameter.type.ndim, f"the shape of {name!r} does not fit its type")
            require(
                min(parameter.shape) > 0 and math.prod(parameter.shape) <= MAX_CELLS,
                f"{name!r} is too large, or empty",
            )
        else:
            require(not parameter.shape and not parameter.output, f"{name!r} is no array")
            require(isinstance(parameter.type, Scalar | Composite), f"{name!r} has a type that is not passed")
            self._names[name] = parameter.type

    def _tuple(self, parameter: Parameter, of: Tuple) -> None:
        """A parameter that is a tuple, whose items all have its range."""
        plain = parameter.default is None and parameter.generic is None and not parameter.reference
        require(plain and all(isinstance(kind, Scalar | Vector) for kind in of.items), "a tuple holds more than values")
        for n, kind in enumerate(of.items):
            self._parameter(msgspec.structs.replace(parameter, name=f"{parameter.name}.{n}", type=kind))
        self._bind(parameter.name, of, fixed=True)

    def _require_new(self, name: str) -> None:
        require(name not in self._parameters, f"there are two parameters {name!r}")
        require(name not in self._functions, f"{name!r} is a function and a parameter")

    def _struct_parameters(self) -> dict[str, StructParameter]:
        """The struct that each parameter is a field of, by the parameter's name."""
        members: dict[str, StructParameter] = {}
        names = [p.name for p in self._program.parameters]
        shapes = {p.name: p.shape for p in self._program.parameters}
        for given in self._program.structs:
            check_name(given.name)
            require(isinstance(given.type, Struct), f"{given.name!r} is no struct")
            assert isinstance(given.type, Struct)
            wanted = [f"{given.name}.{path}" for path, _ in leaves(given.type)]
            require(given.name not in names and wanted[0] in names, f"{given.name!r} lacks its fields")
            first = names.index(wanted[0])
            require(names[first : first + len(wanted)] == wanted, f"{given.name!r} lacks some of its fields")
            require(not given.ndim or len({shapes[n] for n in wanted}) == 1, f"{given.name!r} has several shapes")
            members.update(dict.fromkeys(wanted, given))
            self._require_new(given.name)
            self._bind_struct(given.name, struct_array(given.type, given.ndim) if given.ndim else given.type)
            self._fixed.add(given.name)
        return members

    def _indexed_parameter(self, given: IndexedParameter) -> None:
        """An indexed array is there in the place of its parts, which have no names in the kernel."""
        name, names = given.name, [p.name for p in self._program.parameters]
        check_name(name)
        wanted = list(members(given))
        require(wanted[0] in names, f"{name!r} lacks its data")
        first = names.index(wanted[0])
        require(names[first : first + len(wanted)] == wanted, f"{name!r} lacks its places")
        data, *places = self._program.parameters[first : first + len(wanted)]
        require(isinstance(data.type, Array), f"the data of {name!r} is no array")
        axes = given.axes
        require(
            len(axes) > 0 and list(axes) == sorted(set(axes)) and 0 <= axes[0] <= axes[-1] < len(data.shape),
            f"{name!r} is indexed along no axis, or one that it does not have",
        )
        for axis, of in zip(axes, places, strict=True):
            require(of.type is array(INT32) and not of.output, f"the places of {name!r} are no whole numbers")
            require(of.low >= 0 and of.high < data.shape[axis], f"{name!r} has places outside of its data")
            # two threads at one cell
            require(of.distinct or not data.output, f"{name!r} is written, and its places may be alike")
        for part in wanted:
            del self._parameters[part]
        self._require_new(name)
        self._parameters[name] = Parameter(
            name, data.type, data.low, data.high, shape_of(self._program, given), data.output
        )
        self._fixed.add(name)
        self._indexed[name] = axes

    def _bind_struct(self, name: str, of: Struct | StructArray) -> None:
        require(name not in self._names and name not in self._struct_arrays, f"there are two parameters {name!r}")
        if isinstance(of, StructArray):
            arrays = [field for _, field in leaves(of.dtype) if isinstance(field, Array)]
            require(not arrays, f"{name!r} holds arrays in an array")
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
            require(
                isinstance(parameter.type, Array)
                and (parameter.type.dtype, parameter.type.ndim) == (field, owner.ndim),
                f"{parameter.name!r} has another type than its struct says",
            )
        else:
            require(parameter.type is field, f"{parameter.name!r} has another type than its struct says")

    # ------------------------------------------------------------ statements

    def _block(self, body: Sequence[Statement]) -> None:
        for statement, following in zip_longest(body, body[1:]):
            if isinstance(statement, Atomic) and statement.inline:
                fits = may_be_in_line(self._owner, statement, following)
                require(fits, f"what {statement.op!r} gives is not used in the next statement alone")
            self._statement(statement)

    def _statement(self, node: Statement) -> None:
        match node:
            case ThreadIndex():
                require(
                    node is self._owner.body[0] and isinstance(self._owner, Program),
                    "a thread index is no first statement",
                )
                require(len(node.names) == len(self._program.launch), "the thread index does not fit the launch")
                for name in node.names:
                    self._bind(name, INT32, fixed=True)
            case Assign(target=Name() as name, value=View() | Zeros() as array):
                self._define_array(name, array)
            case Assign():
                halved = isinstance(node.target, Component) and isinstance(node.target.base.type, Transform)
                whole = halved and isinstance(node.target.base, Name) and node.target.attribute  # type: ignore[union-attr]
                require(not node.called or whole, "a call sets something else than a part of a transformation")
                value = self._accumulated(node) if accumulates(node.value) else self._struct_call(node.value)
                variable = isinstance(value, Scalar | Composite | Struct | Tuple | Tile)
                require(variable, f"{value!r} is no type of a variable")
                # another name of a tile is no copy of it
                require(not (isinstance(value, Tile) and isinstance(node.value, Name)), "a tile has two names")
                if isinstance(node.target, Component):
                    self._alone(node.target.base)
                if isinstance(node.target, Name) and isinstance(value, Tuple):
                    require(node.target.name not in self._names, f"{node.target.name!r}, a tuple, is assigned twice")
                self._assign(node.target, value)
                self._note_sharing(node)
            case AugmentedAssign():
                require(node.operator in AUGMENTED, f"{node.operator!r} is no binary operator")
                target, value = self._expression(node.target), self._expression(node.value)
                itself = isinstance(node.target, Part) and changes_itself(node.target, node.value, roots(self._owner))
                require(not itself, "a slice is changed by what it is a part of")
                if isinstance(target, Tile):
                    require(isinstance(node.target, Name), "a part of a tile is changed")
                    require(takes_update(target, node.operator, value), "a tile is changed by something else")
                    if node.operator in IN_PLACE:
                        self._alone(node.target)
                else:
                    found = self._result_type(node.operator, (target, value))
                    require(found is target, f"{node.operator!r} does not take {target!r} and {value!r}")
                self._assign(node.target, target)
            case Atomic():
                self._atomic(node)
            case TileStore():
                self._tile_store(node)
            case If():
                self._test(node.test)
                entry = dict(self._names)
                self._block(node.body)
                after, self._names = self._names, entry
                self._block(node.orelse)
                self._names = {n: t for n, t in self._names.items() if after.get(n) is t}
            case For():
                self._loop(node)
            case Break() | Continue():
                require(self._loops > 0, "there is a break or a continue outside of loops")
            case Return():
                self._return(node)
            case While():
                self._test(node.test)
                entry = dict(self._names)
                self._loops += 1
                self._block(node.body)
                self._loops -= 1
                self._names = entry
            case Evaluate():
                self._expression(node.value)
            case Unpack() if sorts(node):
                for place in node.targets:
                    self._alone(place)
                    self._assign(place, self._expression(place))
            case Contribute(target=target, value=value):
                inclined = self._owner.inclined if isinstance(self._owner, Function) else ()
                require(target.name in {p.name for p in inclined}, f"{target.name!r} has no gradient to add to")
                self._expect(target, self._expression(value))
            case Unpack():
                self._unpack(node)

    def _note_sharing(self, node: Assign) -> None:
        """Two names of tiles may be of the same numbers: where Warp keeps a tile decides, which no program says."""
        if isinstance(node.target, Name) and isinstance(node.target.type, Tile):
            source = shared_by(node.value)
            if source is not None and source != node.target.name:
                self._sharing |= {source, node.target.name}

    def _alone(self, tile: Expression) -> None:
        name = tile.name if isinstance(tile, Name) else ""
        require(name not in self._sharing, f"{name!r} is changed, and another tile may have the same numbers")

    def _unpack(self, node: Unpack) -> None:
        several = called(node)
        for value in node.values if several is None else several.arguments:
            self._expression(value)
        if several is not None:
            require(is_whole(node, self._result_type), f"{several.name!r} gives other results")
        given = unpacked_types(node)
        require(len(given) == len(node.targets) > 1, "a tuple has another number of values than of targets")
        for place, of in zip(node.targets, given, strict=True):
            bracketed = isinstance(place, Element) and place.brackets
            require(not bracketed, "a value is unpacked to an element of a part of an array")
            self._assign(place, of)

    def _return(self, node: Return) -> None:
        found = [self._struct_call(v) for v in node.values]
        if isinstance(self._owner, Program):
            require(not found, "a kernel returns a value")
            return
        wanted = self._owner.type
        given = returned_type(node)
        require(given is wanted, f"{self._owner.name!r} returns {given!r} instead of {wanted!r}")

    def _bind(self, name: str, of: Type, fixed: bool) -> None:
        check_name(name)
        array = name in self._parameters and isinstance(self._parameters[name].type, Array)
        require(not array and name not in self._fixed, f"{name!r} may not be assigned")
        require(name not in self._functions, f"{name!r} is a function and a variable")
        require(self._names.get(name, of) is of, f"{name!r} changes its type")
        self._names[name] = of
        if fixed:
            self._fixed.add(name)

    def _assign(self, target: Target, value: Type) -> None:
        match target:
            case Name():
                require(target.type is value, f"{target.name!r} is assigned a value of another type")
                if isinstance(value, Struct):
                    arrays = [field for _, field in leaves(value) if isinstance(field, Array)]
                    require(not arrays, f"{target.name!r} is a local struct with arrays")
                self._bind(target.name, value, fixed=False)
            case Part():
                require(self._expression(target) is value, "a part of something is assigned a value of another type")
                self._changed(target)
            case Element() | Component() | Field():
                require(self._expression(target) is value, "a part of something is assigned a value of another type")
                self._changed(target)

    def _changed(self, target: Component | Field | Element | Part) -> None:
        """What the part that is assigned belongs to: a variable, or an element of an output."""
        match root(target):
            case Element(array=array) if array in self._struct_arrays:
                self._changed_fields(array, target)
            case Element(array=array):
                require(self._array(array).output, f"{array!r} is no output")
            case Name(name=name):
                require(name not in self._fixed, f"{name!r} may not be assigned")
            case _:
                raise IllFormed("a part of something else than a variable is assigned")

    def _changed_fields(self, array: str, target: Expression) -> None:
        """The fields of an element of an array of structs that an assignment changes must be outputs."""
        path = ""
        while isinstance(target, Component | Field | Part):
            if isinstance(target, Field):
                path = f".{target.field}{path}"
            target = target.base
        whole = self._parameters.get(array)
        if whole is not None:
            require(whole.output, f"{array!r} is no output")
            return
        changed = [p for n, p in self._fields.items() if f"{n}.".startswith(f"{array}{path}.")]
        require(bool(changed) and all(p.output for p in changed), f"{array!r}{path} is no output")

    def _define_array(self, target: Name, value: View | Zeros) -> None:
        """An array keeps its name for itself: what an access means must not depend on how it was reached."""
        name, of = target.name, self._expression(value)
        require(target.type is of, f"{name!r} is assigned a value of another type")
        taken = name in self._names or name in self._views or name in self._parameters
        require(not taken, f"{name!r}, an array, is assigned twice")
        self._bind(name, of, fixed=False)
        if isinstance(value, Zeros):
            self._views[name] = Parameter(name, of, 0, 0, value.shape, output=True)
            return
        whole = self._array(value.array)
        self._views[name] = Parameter(name, of, whole.low, whole.high, output=whole.output)

    def _atomic(self, node: Atomic) -> None:
        require(node.op.startswith("atomic_"), f"{node.op!r} is no atomic operation")
        parameter = self._array(node.array)
        require(parameter.output, f"{node.array!r} is no output")
        self._indices(parameter, node.indices)
        assert isinstance(parameter.type, Array)
        self._expect(node.value, parameter.type.dtype)
        require((node.compare is not None) == (node.op == "atomic_cas"), f"{node.op!r} takes other arguments")
        if node.compare is not None:
            self._expect(node.compare, parameter.type.dtype)
        found = self._result_type(node.op, (parameter.type.dtype, node.value.type))
        require(found is not None, f"{node.op!r} does not take {parameter.type!r}")
        if node.result is not None:
            self._assign(node.result, parameter.type.dtype)

    def _accumulated(self, node: Assign) -> Type:
        """A product of matrices that is added to a tile in place: ``wp.tile_matmul(a, b, total)``."""
        of, product = node.target.type, node.value
        assert isinstance(product, Apply)
        for argument in product.arguments:
            self._expression(argument)
        require(isinstance(of, Tile) and of is product.type, "a product is added to a tile of another type")
        assert isinstance(of, Tile)
        require(multiplies(product, of) and node.target == product.arguments[FACTORS], "a product is added elsewhere")
        require(node.target not in product.arguments[:FACTORS], "a product is added to what it is made of")
        self._alone(node.target)
        return of

    def _tile_store(self, node: TileStore) -> None:
        require(node.op in STORES, f"{node.op!r} does not store a tile")
        require(self._program.block_dim > 0, "there is a tile in a kernel that is launched without blocks")
        parameter = self._array(node.array)
        require(parameter.output and node.array not in self._indexed, f"{node.array!r} takes no tiles")
        self._indices(parameter, node.offset)
        of = self._expression(node.value)
        assert isinstance(parameter.type, Array)
        fitting = isinstance(of, Tile) and of.dtype is parameter.type.dtype and len(of.shape) == parameter.type.ndim
        require(fitting, f"{node.array!r} takes no {of!r}")

    def _loop(self, node: For) -> None:
        for bound in (node.start, node.stop, node.step):
            if bound is not None:
                self._expect(bound, INT32)
        entry = dict(self._names)
        self._bind(node.name, INT32, fixed=False)
        self._loops += 1
        self._block(node.body)
        self._loops -= 1
        after, self._names = self._names, entry
        if certainly_runs(node, self._owner.parameters if isinstance(self._owner, Program) else ()):
            self._names[node.name] = INT32
            if not leaves_early(node.body):
                self._names = after


def _has_a_gradient(parameter: Parameter, function: Function) -> bool:
    """Whether a function with a gradient of its own may have that parameter: a number, a vector or, if it has a replay
    too, an array of whole numbers, which no derivative hangs on."""
    of = parameter.type
    counts = bool(function.replay) and isinstance(of, Array) and not element_scalar(of).is_float
    return counts or isinstance(of, Scalar | Vector)
