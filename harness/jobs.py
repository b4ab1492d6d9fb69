"""What a sandbox is asked to build and run, and what it answers: a `Job` goes in, a `JobResult` comes out."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.worker.buffers import ITEM_SIZES

NUMPY_TYPES: Mapping[str, np.dtype[Any]] = {
    **{name: np.dtype(name) for name in ITEM_SIZES if name != "bfloat16"},
    "bfloat16": np.dtype("uint16"),
}
"""How an array of each Warp scalar type is held in NumPy, which has no bfloat16: its bits stand in for it."""

# ----------------------------------------------------------------------------
# What goes in


@dataclass(frozen=True, eq=False)
class ArrayArgument:
    """An array that a kernel is launched with.

    Attributes:
        dtype: Warp's name of the scalar type.
        data: the contents, of `NUMPY_TYPES[dtype]`; its shape is the array's, with the components as the
            last axis if there are any.
        components: 0 for an array of scalars, n for one of values of n numbers each.
        form: what those values are: ``mat34``, ``quat``, ``transform``; anything else is a vector.
        stride: 1 for a contiguous array; k lays it over one whose last axis is k times as long.
        gradient: whether it has a gradient buffer (integer arrays may have one as well).
        cotangent: what the gradient buffer holds before the backward pass, in the shape of `data`; None for
            zeros.  An input's gradient is added to it.
    """

    dtype: str
    data: npt.NDArray[Any]
    components: int = 0
    stride: int = 1
    gradient: bool = True
    cotangent: npt.NDArray[Any] | None = None
    form: str = ""


@dataclass(frozen=True)
class ScalarArgument:
    """A scalar that a kernel is launched with, by Warp's name of its type."""

    dtype: str
    value: int | float | bool


@dataclass(frozen=True)
class VectorArgument:
    """A vector that a kernel is launched with, by Warp's name of its scalar type, or another `form` of numbers."""

    dtype: str
    value: tuple[int | float | bool, ...]
    form: str = ""


Argument = ArrayArgument | ScalarArgument | VectorArgument


@dataclass(frozen=True)
class StructLayout:
    """Which arguments of a launch a struct, or an array of structs, is made of.

    Attributes:
        struct: its name in the program's source.
        first: the position of its first field among the arguments.
        fields: the fields in order, each by its path within the struct (``inner.mass``).
        array: whether it is an array of structs: the arguments are arrays of one shape then.
    """

    struct: str
    first: int
    fields: tuple[str, ...]
    array: bool


@dataclass(frozen=True)
class IndexedLayout:
    """Which arguments of a launch an indexed array is made of: its data, and then the places along each of `axes`."""

    first: int
    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Launch:
    """One launch of a kernel, with all its arguments in order.

    `backward` runs the tape backwards as well; `again` runs it backwards a second time, over the gradients that
    the first left, and `reused` after they were cleared, with the same cotangents; `twice` runs the whole launch again,
    in fresh buffers, and compares bits.  With `preceded` the tape has a step before the kernel, the same launch on
    arrays of its own, without cotangents; with `copied` it has one behind it, which hands the cotangents on, as
    a copy of what has one would.
    A struct is given by its fields, which `structs` puts together, and an indexed array by its parts, likewise.
    With a `block_dim`, `dims` are those of the blocks, of so many threads each.  What `tape` says happens between the
    two passes: ``struct changed``, ``list changed``; or the launch takes an ``indexed array`` as Warp makes it.
    """

    dims: tuple[int, ...]
    arguments: tuple[Argument, ...]
    backward: bool = True
    twice: bool = False
    again: bool = False
    preceded: bool = False
    copied: bool = False
    reused: bool = False
    structs: tuple[StructLayout, ...] = ()
    indexed: tuple[IndexedLayout, ...] = ()
    block_dim: int = 0
    tape: str = ""


@dataclass(frozen=True, eq=False)
class Job:
    """A program's source, the name of its kernel, which no other job of the batch may have, and its launches.

    `name` is what the kernel is called in the generated text of the result; None for the same as `entry`.
    `told_apart` are the C++ types of the parameters that tell the instance of a generic kernel that is launched.
    """

    source: str
    entry: str
    launches: tuple[Launch, ...] = ()
    name: str | None = None
    told_apart: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildOptions:
    """How a batch is built.

    Attributes:
        optimization_level: of the C++ compiler; None for Warp's default.
        module: further options of the Warp module.
        config: settings of `wp.config` for the batch.
        cuda_arch: if not None, the CUDA text is generated too and compiled for this architecture (90 for
            sm_90), which needs no GPU.
        block_dim: of every launch; on the CPU it is 1 unless `wp.config.enable_cpu_blocks` is set.
        warm: whether the batch is built by one process and run by another, which finds it in the kernel cache.
        digest: whether results say what machine code was run (`JobResult.code`).
        texts_alone: whether Warp only writes the C++ text of each program, in a module of its own: nothing is compiled.
    """

    optimization_level: int | None = 0
    module: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    cuda_arch: int | None = None
    block_dim: int | None = None
    warm: bool = False
    digest: bool = False
    texts_alone: bool = False


# ----------------------------------------------------------------------------
# What comes out


class Status(str, enum.Enum):
    """How it went with one job: it ran, Warp refused it, its C++ does not compile, its process died, it did not end."""

    OK = "ok"
    REJECTED = "rejected"
    BUILD_ERROR = "build-error"
    CRASH = "crash"
    HANG = "hang"


@dataclass(frozen=True, eq=False)
class ArrayResult:
    """An array after its launch.

    Attributes:
        data: the contents after the forward pass, in the shape of the argument's data.
        gradient: the gradient buffer after the backward pass; None without one.
        again: the gradient buffer after a second backward pass; None without one.
        intact_after_backward: whether the backward pass left the data as it was.
        canary_intact: whether nothing was written around the elements of the array or of its gradient, and
            the forward pass left the gradient alone.
    """

    data: npt.NDArray[Any]
    gradient: npt.NDArray[Any] | None
    intact_after_backward: bool
    canary_intact: bool
    again: npt.NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class LaunchResult:
    """One entry an argument, None for scalars and vectors; `same_bits`, of contents, and `same_gradients` are None
    unless the launch ran twice."""

    arrays: tuple[ArrayResult | None, ...]
    same_bits: bool | None
    same_gradients: bool | None = None


@dataclass(frozen=True, eq=False)
class JobResult:
    """What became of a job.

    Attributes:
        status: see `Status`.
        stage: the last step begun: "define", "build", "launch" or "cuda".
        message: what Warp, the compiler or the operating system said; empty if all went well.
        launches: the results of the launches that were completed.
        cpp: the C++ text of this kernel alone; None if it was not generated.
        cuda: the CUDA text of this kernel alone; None if it was not asked for or not generated.
        code: a digest of the machine code of the whole module, with `cached` in front if another process
            compiled it; None if it was not asked for.
        place: the function of Warp that refused a kernel alone in its batch, if it is known.
        hash: by which Warp knows the binary of the module again; empty unless texts alone were asked for.
    """

    status: Status
    stage: str
    message: str
    launches: tuple[LaunchResult, ...]
    cpp: str | None
    cuda: str | None
    code: str | None = None
    place: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Versions:
    """What runs in the worker.

    `settings` are the names of `wp.config` and of the options of modules, `builtins` the documentation group of each
    of Warp's built-ins.
    """

    warp: str
    numpy: str
    settings: frozenset[str] = frozenset()
    builtins: Mapping[str, str] = field(default_factory=dict)
