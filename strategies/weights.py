"""The ratios and ranges that categories share, each with its reason: one `Weights`.

Those of what one category or one form alone draws stand where it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

#: A table of items; one listed with weight 3 is drawn three times as often as one with weight 1.
Table: TypeAlias = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Swarm:
    """How many of the features that programs may do without a program has, and how much of those.

    A defect that needs two rare features shows in programs that are full of both, and those are rare if every program
    has a little of everything (swarm testing: Groce et al. 2012).  What may be left out is in `strategies.swarm`.
    """

    #: of 100 features, how many a program keeps: one of these, so that there are programs of few and of many
    kept: tuple[int, ...] = (25, 60, 100)
    #: how many times its weight a feature has that is kept, so that on the whole none is drawn less often, and one that
    #: a category is for: categories lean on those already, and only hold them against the others
    dense: int = 3
    distinctive: int = 2


@dataclass(frozen=True)
class Kernels:
    """What a kernel works in, is launched for, and how much of it there is."""

    #: The float type that a kernel mostly works in.  float32 is what users write; the others have code of their own.
    floats: Table = ((12, "float32"), (3, "float64"), (1, "float16"))
    #: Integer types beside int32, which thread indices have anyway.
    integers: Table = (
        (8, "int32"), (2, "uint32"), (2, "int64"), (1, "uint64"), (1, "int16"), (1, "uint16"), (1, "int8"),
        (1, "uint8"),
    )  # fmt: skip
    #: Launch extents.  Small: a defect of code generation needs no more threads, and every lane is paid for in
    #: the reference; uneven, so that exchanged extents show.
    launches: tuple[tuple[int, ...], ...] = (
        (8,), (7,), (12,), (5,), (11,), (16,), (9,), (13,), (3, 4), (4, 2), (5, 3), (2, 7), (2, 3, 2), (3, 2, 4),
        (2, 1, 2, 3),
    )  # fmt: skip
    #: Cells that an array has beyond what the launch needs: they must stay untouched.
    spare_cells: tuple[int, ...] = (0, 0, 0, 1, 3)
    #: How many operations a kernel picks from: a person's kernel uses some functions several times.  Of fewer than
    #: these, fewer rare ones meet: half as many operations cost a quarter of the rare pairs.
    palette: tuple[int, int] = (10, 24)
    #: Of 100 palettes, how many may hold a function that Warp documents as not differentiable although it has a
    #: derivative (`frac`): a kernel that uses one proves the forward pass alone.
    unpromised: int = 15
    #: Expression nodes after which only leaves are drawn.  Building costs the time: a kernel of 120 nodes takes about
    #: three times as long as one of 40.
    nodes: int = 90


@dataclass(frozen=True)
class Expressions:
    """What an inner node of an expression becomes."""

    operation: int = 12
    leaf: int = 2
    #: ``a if c else b``
    conditional: int = 1
    #: a value of another type, converted
    cast: int = 1
    #: a component of a vector expression
    component: int = 1
    #: a value of several numbers put together, where one is wanted
    construct: int = 3
    #: of 100 first picks of a function whose derivative is zero (`floor`, `step`), how many stand; the others are drawn
    #: again, or most kernels would have no gradient to check
    flat: int = 40
    #: of 100 first picks of a plus sign in front of a value, how many stand
    plus: int = 30
    #: of 100 clamps beside which a variable fits as a bound, how many are given it
    bounds: int = 35
    #: of 100 lengths of arrays that are converted to another type, how many stay: few compute with those
    extents: int = 15
    #: of 100 steps between two edges, how many fall
    reversed: int = 25
    #: a value whose interval is this many times as wide as a domain is scaled into it, not clamped
    saturation: float = 3.0


@dataclass(frozen=True)
class Leaves:
    """Where a leaf comes from."""

    #: locals not yet used come first, or kernels fill with dead code
    unused: int = 6
    variable: int = 4
    element: int = 5
    component: int = 2
    literal: int = 2
    #: a slice of a longer local vector, a row or a column of a local matrix
    part: int = 4
    #: all numbers of a local vector, in reverse
    mirrored: int = 1
    extent: int = 1
    #: the innermost loop's index, as a number
    loop_index: int = 2
    #: of 100 array elements read in a loop, how many are read at the loop's index
    loop_reads: int = 45
    #: of 100 places of elements that are no thread's own, how many are beside another
    neighbour: int = 15


@dataclass(frozen=True)
class Conditions:
    """What a truth value is made of."""

    comparison: int = 6
    #: ``and``, ``or``
    logical: int = 2
    #: ``not``
    negation: int = 1
    #: a function that gives a truth value
    test: int = 1
    #: of 100 negations of one comparison, how many are written with ``not``: most people write the opposite one
    negated: int = 30
    #: of 100 tests that finite numbers always pass, as ``isfinite`` is, how many stay, beside a comparison
    certain: int = 12
    #: of 100 comparisons, how many are chains
    chain: int = 10
    #: of 100 chains, how many end in a bare array element: a known defect of Warp, met often enough
    bare_element: int = 4


@dataclass(frozen=True)
class Branches:
    """What the arms of a branch do, beside changing what there is."""

    #: of 100 branches, in how many every arm gives a name its first value: Warp has code for what is read after them
    meetings: int = 45
    #: of those, how many give a second one a value
    second: int = 20
    #: of 100 arms that give a name its first value, how many hold another branch whose arms do
    nested: int = 12
    #: of those that give one, how many change something else, too
    changes: int = 45
    #: of 100 literals that an arm would give, how many stay: two of them are a choice between constants
    literals: int = 35
    #: of 100 arms that change something outside of a loop, how many hold a loop, in kernels that may have some
    loops: int = 4
    #: of 100 loops of a kernel about loops, how many stand in an arm
    whole_loops: int = 4


@dataclass(frozen=True)
class Statements:
    """Which statements a block is made of; a category leans on some of them."""

    define: int = 6
    reassign: int = 3
    augment: int = 3
    branch: int = 0
    loop: int = 0
    while_loop: int = 0
    #: a ``for`` loop whose bounds only a run knows
    dynamic_loop: int = 0
    component: int = 0
    leave: int = 0
    #: ``name //= e``, ``name &= e`` and the other operators in place
    update: int = 0
    #: of 100 loops, in how many the body gives the index another value
    reindex: int = 0
    #: whether the arms of branches may hold loops
    loops_in_arms: bool = False


@dataclass(frozen=True)
class Loops:
    """How often loops run, what bounds them, and what they compute."""

    #: trips of a loop that Warp unrolls, and of the dynamic ones; small, because lanes run in lockstep
    trips: tuple[int, int] = (2, 5)
    #: around Warp's default `max_unroll` of 16: the last constant ranges that are unrolled, and the first that are not
    edge: tuple[int, ...] = (15, 16, 17, 18)
    #: nested trips at most, as everything unrolled is compiled
    nested: int = 12
    #: of 100 dynamic loops, how many only sum into variables that are then only added: gradients through others
    #: are outside of what Warp documents, and such kernels prove the forward pass alone
    sums: int = 85
    #: of 100 kernels with ``while`` loops, in how many those compute integers alone.  How often such a loop runs
    #: depends on what it computes, so the gradients of values that it computes are outside of what Warp documents;
    #: those of everything around a loop that counts are not
    counts: int = 65
    #: of 100 ranges of dynamic loops, how many have a local variable as their bound, which the body may change
    local_bounds: int = 25
    #: of 100 ways out of a loop, how many return from the kernel, where that is asked for
    returns: int = 25
    #: of 100 constant ranges, how many are empty
    empty: int = 6
    #: of 100 loops after another one, how many use its index's name again: Warp keeps what it knows of names
    reused: int = 60
    #: of 100 loops that certainly run, how many are followed by a read of their index
    read: int = 25
    #: of 100 loops whose bounds only a run knows, how many have a target that had a value before: Warp is known to lose
    #: it where no iteration runs
    target: int = 6


@dataclass(frozen=True)
class Functions:
    """What functions are made of, and how they are called."""

    #: what a function may take at most, and how many expression nodes it is made of, more or less
    parameters: int = 5
    nodes: int = 35
    #: of 100 functions with a scalar parameter, how many have defaults
    defaults: int = 30
    #: of 100 calls, how many name some of their arguments; of 100 parameters with a default, how many a call leaves out
    keywords: int = 15
    left_out: int = 55
    #: of 100 operands beside a call that changes an array, how many are an element of that array: Warp is known to read
    #: it after the call
    lazy_reads: int = 6


@dataclass(frozen=True)
class Integers:
    """Kernels about whole numbers and bits, and numbers that Warp may take for constants."""

    #: the integer type that a kernel about integers mostly works in
    mains: Table = (
        (6, "int32"), (3, "int64"), (2, "int16"), (2, "int8"), (4, "uint32"), (2, "uint64"), (2, "uint16"),
        (2, "uint8"),
    )  # fmt: skip
    #: the same for a kernel about bits: hashes and flags are unsigned
    bits_mains: Table = (
        (4, "int32"), (1, "int64"), (1, "int16"), (1, "int8"), (10, "uint32"), (3, "uint64"), (2, "uint16"),
        (2, "uint8"),
    )  # fmt: skip
    #: of 100 inputs of a kernel about integers, how many hold large values: wrap-around needs them, small ones meet
    #: ties
    wide: int = 60
    #: of 100 integer literals of a kernel that has constants of its own, how many are one of those
    constants: int = 45
    #: masks, and what hashes multiply with: Knuth's, FNV's, murmur3's, Numerical Recipes' and PCG's constants
    masks: tuple[int, ...] = (1, 3, 7, 15, 31, 63, 127, 255, 1023, 65535, 16711935)
    multipliers: tuple[int, ...] = (
        31, 33, 65599, 16777619, 1664525, 1013904223, 2654435761, 2246822507, 3266489909, 2166136261,
        6364136223846793005, 1442695040888963407,
    )  # fmt: skip
    #: of 100 operations on bits, in how many the second operand is a literal: people shift by numbers and mask with
    #: them
    literals: Table = ((70, "lshift"), (70, "rshift"), (55, "bit_and"), (20, "bit_xor"), (20, "bit_or"))
    #: of 100 conversions of a constant's name to a 64-bit type, how many are written as such: Warp is known to
    #: change the constant's own type then, and pairs with it are not kept
    retyped: int = 4
    #: of 100 constants that are defined in a loop, how many are bare literals: in a dynamic loop inside an unrolled
    #: one, Warp takes the second copy of such a definition for a change of a constant, and refuses it
    bare: int = 10


@dataclass(frozen=True)
class Structs:
    """What a struct is made of, and how one comes to be."""

    #: how many fields: what people write by hand, an index and a few numbers
    fields: tuple[int, int] = (2, 5)
    #: the float type of the kernel
    main: int = 8
    vector: int = 3
    integer: int = 3
    truth: int = 2
    #: of 100 changes of a struct that has truth values, how many give one of them another
    flag: int = 50
    #: other scalar types: their sizes make gaps between fields
    other: int = 3
    #: a matrix or a quaternion, in a kernel that has such
    form: int = 5
    #: a struct within a struct; of 100 structs that none was drawn for and may have one, how many have it all the same
    inner: int = 5
    nested: int = 75
    #: an array, in a struct that is a parameter; one of whole numbers; one with another number of axes than the launch
    array: int = 4
    whole_array: int = 2
    other_axes: int = 2
    #: of 100 arrays of floats in such a struct, how many the kernel writes; of those with one axis, how many are short
    written: int = 55
    shared: int = 30
    #: of 100 structs that are constructed, how many begin with zeros
    empty: int = 40
    #: of 100 changes of a vector in a struct, how many are of one component: Warp is known to lose their gradients
    component: int = 12
    #: of 100 changes of a vector in an array of structs, how many are of one component
    number: int = 35
    #: of 100 functions that are given a local struct, how many change their argument itself, and nothing reads what the
    #: caller had; of the others, how many do so and the caller's is read again: Warp is known to pass gradients of such
    #: reads through the change
    spent: int = 60
    argument: int = 8
    #: of 100 structs, how many have a field that is called like a keyword of C++; of those with arrays, how many call
    #: one `adjoint`: Warp is known to trip over both
    keyword: int = 1
    adjoint: int = 6


@dataclass(frozen=True)
class Targets:
    """Of 100 assignments to a place, or changes of one, how many are of a kind."""

    #: of the whole vector or matrix
    whole: int = 25
    #: of components, by name: ``v.x``
    attribute: int = 50
    #: of a matrix, of a row
    row: int = 30
    #: of rows, of one number: ``m[0].x``, ``m[0][1]``.  Warp is known to lose the first of a local
    nested: int = 30
    #: of a local of three numbers or more, of a slice: ``v[0:2]``, ``m[:, 1]``
    slice: int = 65
    #: the same of an array's element, of which Warp is known to take none: ``a[i][0:2]``
    slot_slice: int = 7
    #: of slices, in reverse: ``v[::-1]``
    backwards: int = 12
    #: of values of two or three numbers, a slice of an element
    read_slice: int = 20
    #: plain stores; the others are sums in place
    store: int = 35
    #: of whole numbers, by another operator than a sum
    others: int = 50
    #: of floats in arrays, a product in place, which Warp documents as not differentiable
    product: int = 8
    #: of locals of floats, and of arrays without a gradient, a product or another operator
    scaled: int = 35
    #: of components and rows, at a place that only a run knows: ``v[k[i]] += e``
    dynamic: int = 15
    #: of kernels that add to cells that threads share, those that write ``out[k] += value``, which Warp makes an atomic
    shared: int = 30
    #: of those, the ones that add the components of a vector one by one: ``out[k].x += value.x``
    components: int = 25


@dataclass(frozen=True)
class Generics:
    """How what is generic is written, and how many instances there are."""

    #: of 100 kernels of the category, how many are generic themselves
    kernel: int = 65
    #: of 100 generic functions, how many have a second instance
    second: int = 55
    #: of 100 owners, how many say ``wp.Float`` instead of ``Any``
    any_float: int = 15
    #: of 100 owners for whole numbers too, how many say ``wp.Scalar``, and of 100 such functions, how many take nothing
    #: but those: ``wp.Int``
    any_scalar: int = 40
    any_int: int = 25
    #: of 100 vectors and arrays, of how many a type is taken from a part, ``type(a[i])``, not from ``a.dtype``
    part: int = 40
    #: of 100 types, how many are taken from something else than the owner's first choice
    other: int = 20
    #: of 100 calls of a generic function, how many name arguments: Warp is known to find no overload then
    keywords: int = 2
    #: how many further instances a generic kernel has: each is built, so most have one
    overloads: tuple[tuple[int, int], ...] = ((4, 0), (7, 1), (1, 2))


@dataclass(frozen=True)
class Builds:
    """What a kernel's decorator says of its build.

    `fast_math` is left out: on a device it makes results less exact than any tolerance here allows, on the CPU it does
    nothing.  Kernels with options of their module have a module each, which costs a build each.
    """

    #: whether ``enable_backward`` is said, and what: without a backward pass only results can be checked
    backward: tuple[tuple[int, str], ...] = ((12, "unsaid"), (3, "off"), (1, "on"))
    #: of 100 kernels, how many say ``max_unroll``, ``fuse_fp`` and ``mode``
    unrolls: int = 82
    fuses: int = 20
    modes: int = 12
    #: how many let components of locals be assigned again, and do so
    overwrites: int = 30
    #: 0 unrolls nothing; up to 8 as much as people write; 20 is beyond Warp's own
    max_unroll: tuple[tuple[int, int], ...] = ((2, 0), (1, 1), (3, 2), (5, 4), (4, 8), (2, 16), (1, 20))
    #: debug builds take a header of their own
    mode: tuple[tuple[int, str], ...] = ((1, "debug"), (2, "release"))


@dataclass(frozen=True)
class Weights:
    """All ratios and ranges of the grammar: another value of this gives another grammar (`strategies.kernels`).

    What a statement becomes (`Statements`) is said by each category, which leans on some of them.
    """

    swarm: Swarm = Swarm()
    kernels: Kernels = Kernels()
    expressions: Expressions = Expressions()
    leaves: Leaves = Leaves()
    conditions: Conditions = Conditions()
    branches: Branches = Branches()
    loops: Loops = Loops()
    functions: Functions = Functions()
    integers: Integers = Integers()
    structs: Structs = Structs()
    targets: Targets = Targets()
    generics: Generics = Generics()
    builds: Builds = Builds()


#: Those that campaigns draw by.
WEIGHTS: Final = Weights()
