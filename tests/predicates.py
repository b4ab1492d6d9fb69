"""What a drawn kernel may hold, for tests of how often it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from strategies.language.indexed import data_of
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Call,
    Cast,
    Compare,
    Component,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Field,
    For,
    Function,
    If,
    IndexedParameter,
    Literal,
    Logical,
    Name,
    Node,
    Numbers,
    Parameter,
    Program,
    Return,
    Slice,
    Statement,
    ThreadIndex,
    TileStore,
    Unpack,
    View,
    While,
    Zeros,
    names_in,
    root,
    walk,
)
from strategies.language.structs import struct_types
from strategies.language.tiles import accumulates
from strategies.language.types import (
    BOOL,
    FLOAT16,
    FLOAT64,
    INT32,
    Array,
    Composite,
    Scalar,
    Struct,
    Tile,
    Transform,
    Type,
    Vector,
    array,
    element_scalar,
    scalar,
)

#: What changes bits, of operators.
BITS = ("bit_and", "bit_or", "bit_xor")


def data(program: Program) -> list[Parameter]:
    """The arrays that indexed arrays are parts of."""
    return [program.parameter(data_of(given.name)) for given in program.indexed]


def tiles_of(program: Program) -> set[Tile]:
    return {of for node in walk(program) if isinstance(of := getattr(node, "type", None), Tile)}


def copies(program: Program) -> bool:
    """Whether most of what a kernel stores are values as they were read."""
    stored = [s.value for s in program.body if isinstance(s, Assign) and isinstance(s.target, Element)]
    return sum(isinstance(value, Name) for value in stored) > 0.5 * len(stored)


def changes_by_a_built_in(program: Program) -> bool:
    """``x = wp.normalize(x)``."""
    return any(
        isinstance(s, Assign) and isinstance(s.value, Apply) and s.value.arguments == (s.target,) for s in program.body
    )


def reads_halves(program: Program) -> bool:
    """``X.p`` or ``X.q`` of a pose."""
    return any(isinstance(n, Component) and n.attribute and isinstance(n.base.type, Transform) for n in walk(program))


def adds_a_product(program: Program) -> bool:
    return any(isinstance(node, Assign) and accumulates(node.value) for node in walk(program))


def stores_tiles_by(op: str) -> Callable[[Program], bool]:
    return lambda program: any(isinstance(node, TileStore) and node.op == op for node in walk(program))


def partly_indexed(program: Program) -> Callable[[IndexedParameter], bool]:
    return lambda given: len(given.axes) < len(program.parameter(data_of(given.name)).shape)


def has(*kinds: type[Node]) -> Callable[[Node], bool]:
    return lambda program: any(isinstance(node, kinds) for node in walk(program))


def depth(node: Node, kind: type[Node]) -> int:
    """How deep nodes of a kind are nested."""
    from strategies.language.nodes import children

    return isinstance(node, kind) + max((depth(child, kind) for child in children(node)), default=0)


def element_types(program: Program) -> list[Type]:
    return [p.type.dtype if isinstance(p.type, Array) else p.type for p in program.parameters]


def has_vectors(program: Program) -> bool:
    return any(isinstance(getattr(node, "type", None), Vector) for node in walk(program)) or any(
        isinstance(of, Vector) for of in element_types(program)
    )


def statements(program: Program) -> int:
    return sum(isinstance(node, Assign | AugmentedAssign | Atomic) for node in program.body)


def inputs(program: Program) -> list[Parameter]:
    return [p for p in program.arrays if not p.output]


def bounds(program: Program) -> list[For]:
    return [node for node in walk(program) if isinstance(node, For)]


BITWISE = ("bit_and", "bit_or", "bit_xor", "lshift", "rshift", "invert")


def applies(*ops: str) -> Callable[[Program], bool]:
    return lambda p: any(
        (isinstance(x, Apply) and x.op in ops) or (isinstance(x, AugmentedAssign) and x.operator in ops)
        for x in walk(p)
    )


def numbers(program: Program) -> set[Scalar]:
    """The types of the numbers in a kernel."""
    found = {element_scalar(of) for x in walk(program) if isinstance(of := getattr(x, "type", None), Type)}
    return {of for of in found if of.kind != "bool"}


def works_in(kind: str) -> Callable[[Program], bool]:
    return lambda p: any(of.kind == kind for of in numbers(p))


def literals(program: Program) -> Iterator[tuple[Scalar, bool | int | float]]:
    """The numbers that are written in a kernel and in its module, with their types."""
    for node in walk(program):
        if isinstance(node, Literal):
            assert isinstance(node.type, Scalar)
            yield node.type, node.value


def writes_beyond_a_single(program: Program) -> bool:
    """Whether a double is written that would be another one if it were a single for a while."""
    return any(of is FLOAT64 and float(np.float32(value)) != value for of, value in literals(program))


def writes_a_rounded_half(program: Program) -> bool:
    return any(of is FLOAT16 and float(np.float16(value)) != value for of, value in literals(program))


def writes_beyond_32_bits(program: Program) -> bool:
    return any(of.is_integer and abs(value) > 2**31 for of, value in literals(program))


def names_a_number_of(*types: str) -> Callable[[Program], bool]:
    return lambda p: any(isinstance(n, Constant) and n.type in map(scalar, types) for n in walk(p))


def names_by_warp(program: Program) -> bool:
    return any(isinstance(n, Constant) and not n.is_own for n in walk(program))


def divides_by_less_than_zero(program: Program) -> bool:
    return any(
        isinstance(n, Apply) and n.op in ("div", "floordiv", "mod") and is_below_zero(n.arguments[1])
        for n in walk(program)
    ) or any(isinstance(n, AugmentedAssign) and is_below_zero(n.value) for n in walk(program))


def is_below_zero(node: Expression) -> bool:
    return isinstance(node, Literal) and isinstance(node.type, Scalar) and node.type.is_integer and node.value < 0


def shifts_by_a_variable(program: Program) -> bool:
    """``1 << k``"""
    shifts = [n for n in walk(program) if isinstance(n, Apply) and n.op == "lshift"]
    return any(isinstance(n.arguments[0], Literal | Cast) and not isinstance(n.arguments[1], Literal) for n in shifts)


def changes_the_bits_of_an_element(program: Program) -> bool:
    """``flags[i] |= m``"""
    changes = [n for n in walk(program) if isinstance(n, AugmentedAssign) and n.operator in BITWISE]
    return any(isinstance(n.target, Element) for n in changes)


def narrows(program: Program) -> bool:
    """Whether whole numbers are converted to a type of fewer bits, into one of a sign without a clamp."""
    casts = [n for n in walk(program) if isinstance(n, Cast) and isinstance(n.operand.type, Scalar)]
    plain = [n for n in casts if not (isinstance(n.operand, Apply) and n.operand.op in ("clamp", "mod", "min"))]
    return any(
        n.type.is_integer and n.operand.type.is_integer and n.type.bits < n.operand.type.bits
        for n in plain
        if isinstance(n.type, Scalar) and isinstance(n.operand.type, Scalar)
    )


def has_truths(program: Program) -> bool:
    """Whether there is an array of truth values."""
    return any(isinstance(p.type, Array) and p.type.dtype is BOOL for p in program.parameters)


def rounds_whole_numbers(program: Program) -> bool:
    """Whether an array holds whole numbers of more digits than a float has to which they are converted."""
    return any(
        isinstance(n, Cast)
        and isinstance(n.operand, Element)
        and isinstance(n.type, Scalar)
        and n.type.is_float
        and program.parameter(n.operand.array).high > 2 ** (52 if n.type.bits == 64 else 24)
        for n in walk(program)
    )


def moved(node: Node) -> bool:
    """Whether a node reads an array at a computed index, or adds to it there."""
    return isinstance(node, Element | Atomic) and any(isinstance(index, Apply) for index in node.indices)


def names_places(program: Program) -> bool:
    """Whether a computed index has a name."""
    return any(isinstance(s, Assign) and isinstance(s.value, Apply) and s.value.type is INT32 for s in walk(program))


def gathers(program: Program) -> bool:
    """Whether an index array is read, and its elements are used."""
    return any(q.type is array(INT32, len(q.shape)) for q in inputs(program)) and has(Element)(program)


def bounds_of_loops(program: Program) -> list[Expression]:
    return [b for f in bounds(program) for b in (f.start, f.stop, f.step) if b is not None]


def reads_local(program: Program, node: Node) -> bool:
    parameters = {p.name for p in program.parameters}
    return any(isinstance(n, Name) and n.name not in parameters for n in walk(node))


def changes_its_index(program: Program) -> bool:
    return any(
        isinstance(n, Assign | AugmentedAssign) and isinstance(n.target, Name) and n.target.name == f.name
        for f in bounds(program)
        for n in walk(f)
    )


def trips(loop: For) -> int:
    """How often a loop with literal bounds runs, without its exits."""
    parts = (loop.start or Literal(INT32, 0), loop.stop, loop.step or Literal(INT32, 1))
    values = [b.value for b in parts if isinstance(b, Literal)]
    return len(range(*map(int, values)))


def counts(program: Program) -> bool:
    """Whether a ``while`` loop assigns integers alone."""
    return any(
        isinstance(loop, While)
        and all(element_scalar(n.target.type).is_integer for n in walk(loop) if isinstance(n, Assign | AugmentedAssign))
        for loop in walk(program)
    )


def swaps(program: Program) -> bool:
    """Whether a tuple of names is assigned to some of the same names."""
    unpacked = [n for n in walk(program) if isinstance(n, Unpack)]
    return any(
        {t.name for t in n.targets if isinstance(t, Name)} & {v.name for v in n.values if isinstance(v, Name)}
        for n in unpacked
    )


def keeps_truth(node: Node) -> bool:
    """Whether a local is given a truth value."""
    return any(isinstance(n, Assign) and isinstance(n.target, Name) and n.target.type is BOOL for n in walk(node))


def samples(program: Program) -> bool:
    """Whether a function is given an array and a place beside the thread's own."""
    calls = [n for n in walk(program) if isinstance(n, Call)]
    return any(isinstance(a, Apply) and a.op in ("add", "sub") for call in calls for a in call.arguments)


def guards_a_read(program: Program) -> bool:
    """Whether an operand of ``and`` or ``or`` reads an array at a name that another operand compares."""

    def guards(node: Logical) -> bool:
        compared = {place for test in node.operands if isinstance(test, Compare) for place in test.operands}
        reads = [n for operand in node.operands for n in walk(operand) if isinstance(n, Element)]
        return any(isinstance(place, Name) and place in compared for read in reads for place in read.indices)

    return any(isinstance(n, Logical) and guards(n) for n in walk(program))


def carries(program: Program) -> bool:
    """Whether a loop gives a sum a name of its own before it becomes the sum: ``t = s + y``, later ``s = t``."""
    return any(
        isinstance(last, Assign)
        and any(
            isinstance(s, Assign)
            and isinstance(s.value, Apply)
            and s.value.op == "add"
            and s.target == last.value
            and last.target in s.value.arguments
            for s in loop.body
        )
        for loop in bounds(program)
        for last in loop.body
    )


def leaves_a_border(node: Node) -> bool:
    """Whether a slice leaves out what is first and last, ``1:-1``."""
    return isinstance(node, Slice) and node.start == Literal(INT32, 1) and node.stop == Literal(INT32, -1)


def names_its_test(node: Node) -> bool:
    """Whether a branch tests a truth value by its name."""
    return isinstance(node, If) and isinstance(node.test, Name)


def sloping(program: Program) -> list[Function]:
    """The functions with a gradient of their own."""
    return [f for f in program.functions if f.own_gradient]


def adjoints(program: Program) -> list[Statement]:
    """The statements of gradients that are written out."""
    return [statement for f in program.functions for statement in f.adjoint]


WORD = scalar("uint32")


def passed(program: Program) -> list[Parameter]:
    """The parameters of a program's functions."""
    return [p for f in program.functions for p in f.parameters]


def has_call(node: Node) -> bool:
    return any(isinstance(n, Call) for n in walk(node))


def early_return(program: Program) -> bool:
    """Whether a function returns from a branch or a loop."""
    return any(has_return(s) for f in program.functions for s in f.body[:-1])


def has_return(node: Node) -> bool:
    return any(isinstance(n, Return) for n in walk(node))


def atomics(program: Program) -> set[str]:
    return {node.op for node in walk(program) if isinstance(node, Atomic)}


def returns_an_old_value(program: Program) -> bool:
    taken = [n for f in program.functions for n in walk(f) if isinstance(n, Atomic) and n.result is not None]
    return bool(taken) and any(f.type is INT32 for f in program.functions)


def is_composite(of: Type) -> bool:
    return isinstance(of, Array) and not isinstance(of.dtype, Scalar)


def changes_element(node: Node) -> bool:
    return isinstance(node, AugmentedAssign) and isinstance(node.target, Element)


def adds_to_shared(program: Program) -> bool:
    """Whether threads add in place to cells, or to numbers in them, that their indices alone do not tell apart."""
    threads = next(set(n.names) for n in walk(program) if isinstance(n, ThreadIndex))
    outputs = {parameter.name for parameter in program.outputs}
    views = {
        n.target.name: n.value
        for n in walk(program)
        if isinstance(n, Assign) and isinstance(n.target, Name) and isinstance(n.value, View)
    }

    def shares(target: Expression | None) -> bool:
        if not isinstance(target, Element):
            return False
        view = views.get(target.array)
        places = (*target.indices, *(view.indices if view is not None else ()))
        names = {place.name for place in places if isinstance(place, Name)}
        return (target.array if view is None else view.array) in outputs and not threads <= names

    return any(shares(root(n.target)) for n in walk(program) if isinstance(n, AugmentedAssign))


def adds_in(loop: Node) -> bool:
    """Whether the body of a loop has an atomic, or a sum in place that may be one."""
    return any(
        isinstance(n, Atomic) or (isinstance(n, AugmentedAssign) and isinstance(root(n.target), Element))
        for n in walk(loop)
    )


def adds_to_component(program: Program) -> bool:
    """Whether a number of a vector in an array is added to."""
    return any(
        isinstance(n, AugmentedAssign) and isinstance(n.target, Component) and isinstance(n.target.base, Element)
        for n in walk(program)
    )


def sets_bits(node: Node) -> bool:
    """Whether a statement sets, clears or flips bits of an element in place."""
    return isinstance(node, AugmentedAssign) and isinstance(node.target, Element) and node.operator in BITS


def names_a_component(program: Program) -> bool:
    """Whether a number of a vector is read at the index of a loop."""
    indices = {n.name for n in walk(program) if isinstance(n, For)}
    return any(
        isinstance(n, Component)
        and isinstance(n.base.type, Vector)
        and isinstance(n.index, Name)
        and n.index.name in indices
        for n in walk(program)
    )


def scales_a_vector(node: Node) -> bool:
    """``v *= s`` or ``v /= s``."""
    return (
        isinstance(node, AugmentedAssign) and isinstance(node.target.type, Vector) and node.operator in ("mul", "div")
    )


def is_cell(node: Node) -> bool:
    """Whether a vector is of whole numbers."""
    of = getattr(node, "type", None)
    return isinstance(of, Vector) and of.dtype.is_integer


def holds(program: Program, *kinds: type[Composite]) -> bool:
    """Whether a value is of one of these kinds."""
    return any(isinstance(getattr(n, "type", None), kinds) for n in walk(program))


def adds_up(program: Program) -> bool:
    return has(Atomic)(program) or adds_to_shared(program) or any(map(sets_bits, walk(program)))


def scales(*parts: type[Node], root_of: type[Node] = Node) -> Callable[[Program], bool]:
    """Whether a target of such a kind, in what is of kind `root_of`, is changed by another operator than a sum."""
    return lambda program: any(
        isinstance(node, AugmentedAssign)
        and node.operator not in ("add", "sub")
        and isinstance(node.target, parts)
        and isinstance(root(node.target), root_of)
        for node in walk(program)
    )


def scales_a_composite(program: Program) -> bool:
    """Whether all numbers of a vector or a matrix are multiplied or divided in place."""
    changes = [node for node in walk(program) if isinstance(node, AugmentedAssign)]
    return any(isinstance(node.target.type, Composite) and node.operator in ("mul", "div") for node in changes)


def writes_where_a_run_says(program: Program) -> bool:
    """Whether a component, or a row, is written whose place is no number as it stands."""
    targets = [node.target for node in walk(program) if isinstance(node, Assign | AugmentedAssign)]
    return any(isinstance(part, Component) and not isinstance(part.index, Literal) for t in targets for part in walk(t))


def stands_in(inner: type[Node], *outer: type[Node]) -> Callable[[Program], bool]:
    """Whether there is a node of the one kind within one of the others."""
    return lambda program: any(
        isinstance(block, outer) and any(isinstance(node, inner) and node is not block for node in walk(block))
        for block in walk(program)
    )


def passes_its_array(program: Program) -> bool:
    """Whether an array that a thread makes is passed to a function."""
    own = {node.target.name for node in walk(program) if isinstance(node, Assign) and isinstance(node.value, Zeros)}  # type: ignore[union-attr]
    calls = [node for node in walk(program) if isinstance(node, Call)]
    return any(isinstance(given, Name) and given.name in own for call in calls for given in call.arguments)


def chooses(*kinds: type[Type]) -> Callable[[Program], bool]:
    """Whether a conditional expression gives values of such a type."""
    return lambda program: any(isinstance(n, Conditional) and isinstance(n.type, kinds) for n in walk(program))


def overwrites_a_choice(program: Program) -> bool:
    """Whether an element is an arm of a choice, and written later."""
    arms = [arm for n in walk(program) if isinstance(n, Conditional) for arm in (n.then, n.otherwise)]
    written = {n.target.array for n in walk(program) if writes_element(n)}  # type: ignore[attr-defined]
    return any(isinstance(arm, Element) and arm.array in written for arm in arms)


def writes_element(node: Node) -> bool:
    return changes_element(node) or (isinstance(node, Assign) and isinstance(node.target, Element))


def stores_through_a_view(program: Program) -> bool:
    views = {s.target.name for s in walk(program) if isinstance(s, Assign) and isinstance(s.value, View)}  # type: ignore[union-attr]
    targets = [s.target for s in walk(program) if isinstance(s, Assign | AugmentedAssign)]
    return any(isinstance(target, Element) and target.array in views for target in targets)


#: category: what to look for, and in how many of 100 kernels it must be at least
def works_on(form: str) -> Callable[[Program], bool]:
    """Whether an operation takes or gives a value of a form."""

    def holds(program: Program) -> bool:
        return any(
            isinstance(of, Composite) and of.form.startswith(form)
            for node in walk(program)
            if isinstance(node, Apply)
            for of in (*node.argument_types, node.type)
        )

    return holds


def holds_a(kind: type[Type]) -> Callable[[Program], bool]:
    """Whether a struct has a field of a kind."""
    return lambda p: any(isinstance(of, kind) for struct in struct_types(p) for _, of in struct.fields)


def stores_in(kind: type[Node]) -> Callable[[Program], bool]:
    """Whether a statement assigns to a target of a kind."""
    return lambda p: any(isinstance(x, Assign | AugmentedAssign) and isinstance(x.target, kind) for x in walk(p))


def is_flag(node: Node) -> bool:
    """Whether a node is a field that is a truth value."""
    return isinstance(node, Field) and node.type is BOOL


def captures_several(program: Program) -> bool:
    closures = [f.closure for f in program.functions if f.closure is not None]
    return any(isinstance(constant.value, Numbers) for closure in closures for constant in closure.numbers)


def takes_integers(program: Program) -> bool:
    """Whether something generic has an instance in which its parameters are whole numbers."""
    integers = any(isinstance(of, Scalar) and of.is_integer for of in program.overloads)
    generic = [q for q in passed(program) if q.generic]
    return integers or any(element_scalar(q.type).is_integer for q in generic)


def operations(program: Program) -> set[str]:
    return {node.op for node in walk(program) if isinstance(node, Apply)}


def holds_a_flag(program: Program) -> bool:
    return any(of is BOOL for struct in struct_types(program) for _, of in struct.fields)


def sets_a_flag(program: Program) -> bool:
    return any(isinstance(n, Assign) and is_flag(n.target) for n in walk(program))


def branches_on_a_flag(program: Program) -> bool:
    tests = [n.test for n in walk(program) if isinstance(n, If | Conditional)]
    return any(is_flag(part) for test in tests for part in walk(test))


def stores_in_component_of_an_element(program: Program) -> bool:
    targets = [x.target for x in walk(program) if isinstance(x, Assign | AugmentedAssign)]
    return any(isinstance(target, Component) and isinstance(target.base, Element) for target in targets)


def held_arrays(program: Program) -> set[str]:
    """The arrays that a struct among the parameters holds and the kernel writes."""
    structs = {struct.name for struct in program.structs if not struct.ndim}
    return {p.name for p in program.outputs if p.name.partition(".")[0] in structs}


def stores_in_held(*kinds: type[Node]) -> Callable[[Program], bool]:
    """Whether a statement of one of those kinds writes to such an array."""

    def holds(program: Program) -> bool:
        held = held_arrays(program)
        written = [node for node in walk(program) if isinstance(node, kinds)]
        return any(getattr(getattr(node, "target", node), "array", "") in held for node in written)

    return holds


def holds_an_array_of(kind: type[Type]) -> Callable[[Program], bool]:
    """Whether a struct holds an array with elements of a kind."""
    return lambda p: any(
        isinstance(of, Array) and isinstance(of.dtype, kind) for struct in struct_types(p) for _, of in struct.fields
    )


def changes_what_it_is_passed(program: Program) -> bool:
    """Whether a function changes a struct that it is passed, and not by reference."""
    for function in program.functions:
        given = {p.name for p in function.parameters if isinstance(p.type, Struct) and not p.reference}
        targets = [n.target for s in function.body for n in walk(s) if isinstance(n, Assign | AugmentedAssign)]
        if any(isinstance(found := root(target), Name) and found.name in given for target in targets):
            return True
    return False


def passes_structs(program: Program) -> bool:
    return any(isinstance(n, Call) and any(isinstance(a.type, Struct) for a in n.arguments) for n in walk(program))


def stores_structs(program: Program) -> bool:
    """Whether a struct is stored whole."""
    targets = [n.target for n in walk(program) if isinstance(n, Assign)]
    return any(isinstance(target, Element) and isinstance(target.type, Struct) for target in targets)


def loads_structs(program: Program) -> bool:
    """Whether a struct is read out of an array into a local."""
    return any(isinstance(n, Assign) and isinstance(n.value, Element) and isinstance(n.value.type, Struct)
               for n in walk(program))  # fmt: skip


def names_its_structs(program: Program) -> bool:
    """Whether something of every struct that is passed is read or written."""
    found = {getattr(n, "array", getattr(n, "name", "")) for s in program.body for n in walk(s)}
    return {struct.name for struct in program.structs} <= {str(name).partition(".")[0] for name in found}


def names_its_fields(program: Program) -> bool:
    """Whether every field of every struct is named somewhere, or belongs to one that is stored whole."""
    fields = {n.field for n in walk(program) if isinstance(n, Field)}
    arrays = {
        name for n in walk(program) if isinstance(n, Element | Atomic | Extent) for name in n.array.split(".")[1:]
    }
    stored = [n.target.type for n in walk(program) if isinstance(n, Assign) and isinstance(n.target, Element)]
    wanted = {name for struct in struct_types(program) if struct not in stored for name, _ in struct.fields}
    return wanted <= fields | arrays


def meets(program: Program) -> bool:
    """Whether every arm of a branch gives a name its first value, which is read after the branch."""
    return _meets(program.body, {p.name for p in program.parameters})


def _meets(body: Sequence[Statement], known: set[str]) -> bool:
    known = set(known)
    for place, statement in enumerate(body):
        match statement:
            case If(body=own, orelse=other):
                new = (_given(own) & _given(other)) - known
                if new & names_in(body[place + 1 :]) or _meets(own, known) or _meets(other, known):
                    return True
                known |= new
            case For(body=inner) | While(body=inner):
                if _meets(inner, known | ({statement.name} if isinstance(statement, For) else set())):
                    return True
        known |= _given((statement,)) if not isinstance(statement, If) else set()
    return False


def _given(body: Sequence[Statement]) -> set[str]:
    """The names that statements certainly give a value."""
    found: set[str] = set()
    for statement in body:
        match statement:
            case Assign(target=Name(name=name)):
                found.add(name)
            case If(body=own, orelse=other):
                found |= _given(own) & _given(other)
    return found


def loops_in_an_arm(program: Program) -> bool:
    """Whether a loop stands in an arm of a branch."""
    return any(isinstance(n, If) and depth(n, For) + depth(n, While) for n in walk(program))


def reads_an_output(program: Program) -> bool:
    """Whether an array that the kernel writes is read, in the value of a statement."""
    written = {p.name for p in program.outputs}
    values = [s.value for s in walk(program) if isinstance(s, Assign | AugmentedAssign)]
    return any(isinstance(n, Element) and n.array in written for value in values for n in walk(value))


def inner(program: Program, wanted: Callable[[Statement], bool]) -> bool:
    """Whether an arm of a branch within a branch holds such a statement."""

    def holds(body: Sequence[Statement], level: int) -> bool:
        for statement in body:
            if level > 1 and wanted(statement):
                return True
            if isinstance(statement, If):
                chain = len(statement.orelse) == 1 and isinstance(statement.orelse[0], If)
                if holds(statement.body, level + 1) or holds(statement.orelse, level + (not chain)):
                    return True
        return False

    return holds(program.body, 0)
