"""The CUDA source that Warp generates, compiled for the host and run there.

A kernel's CUDA text differs from its C++ text in its loop over threads, in how it leaves a thread, and in how it
takes its arguments.  With a few definitions it is plain C++: one thread that goes through the whole grid.  So CUDA
code generation is checked by its numbers, forward and backward, on machines without a GPU.
"""

from __future__ import annotations

import atexit
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from harness.cpp.generated_code import CompilerNotFound, find_compiler
from harness.jobs import BuildOptions, JobResult, Status, Versions
from harness.probes.probe import Probed, Ran, misjudged
from harness.sandbox import Sandbox
from harness.scoring.predictions import Scorer
from harness.verdict import Failure, FailureKind
from harness.verify import jobs
from strategies.language.limits import Limit

CUDA: Final = "cuda source on the host"
ARCH: Final = 90
#: Kernels of a batch that are compiled: each takes a C++ compiler a second or two.
HOSTED: Final = 3

#: What CUDA knows and C++ does not: one thread in one block, which strides over the grid.
DEFINITIONS: Final = """\
#define __global__
namespace {
struct wp_dim3 { unsigned x, y, z; };
const wp_dim3 threadIdx = { 0, 0, 0 }, blockIdx = { 0, 0, 0 }, blockDim = { 1, 1, 1 }, gridDim = { 1, 1, 1 };
}
"""
_LAST_INCLUDE: Final = re.compile(r'.*^#include "[^"]+"\n', re.DOTALL | re.MULTILINE)
_KERNEL: Final = re.compile(
    r'^extern "C" __global__ void (?P<name>\w+)_cuda_kernel_(?P<direction>forward|backward)'
    r"\(\n(?P<parameters>.*?)\)\n?\{",
    re.DOTALL | re.MULTILINE,
)


class NotHosted(Exception):
    """A CUDA text has another form than is known; the message says which."""


def host_text(cuda: str, backward: bool) -> str:
    """A CUDA text of one kernel as C++ with the entry points of a CPU text, that of the backward pass if asked for.

    Raises `NotHosted` if the text has no kernel in the form that is known.
    """
    includes = _LAST_INCLUDE.match(cuda)
    kernels = {found["direction"]: found for found in _KERNEL.finditer(cuda)}
    if includes is None or "forward" not in kernels:
        raise NotHosted("there is no kernel in the CUDA text")
    name, forward = kernels["forward"]["name"], _parameters(kernels["forward"]["parameters"])
    bounds, own = forward[0][0], forward[1:]
    fields = "".join(f"    {of} {field};\n" for of, field in own)
    given = ", ".join(f"arguments->{field}" for _, field in own)
    text = [
        cuda[: includes.end()], DEFINITIONS, cuda[includes.end() :],
        f"struct host_args_{name} {{\n{fields}}};\n",
        f'extern "C" WP_API void {name}_cpu_forward({bounds}* dim, host_args_{name}* arguments)\n',
        f"{{ {name}_cuda_kernel_forward({', '.join(['*dim', *([given] if given else [])])}); }}\n",
    ]  # fmt: skip
    if backward and "backward" in kernels:
        adjoints = ", ".join(f"adjoints->{field}" for _, field in own)
        passed = ", ".join(["*dim", *([given, adjoints] if given else [])])
        text += [
            f'extern "C" WP_API void {name}_cpu_backward(\n',
            f"    {bounds}* dim, host_args_{name}* arguments, host_args_{name}* adjoints)\n",
            f"{{ {name}_cuda_kernel_backward({passed}); }}\n",
        ]
    return "".join(text)


def _parameters(text: str) -> list[tuple[str, str]]:
    """The types and names of parameters, one a line."""
    found = []
    for line in text.split("\n"):
        of, _, name = line.strip().rstrip(",").rpartition(" ")
        if not of:
            raise NotHosted(f"a parameter of the CUDA kernel has an unknown form: {line.strip()!r}")
        found.append((of, name))
    return found


@cache
def _scorer() -> Scorer:
    """What compiles and runs texts, confined; it is closed when the process ends."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(Scorer())


@dataclass(frozen=True)
class HostCuda:
    """Programs from their CUDA text, on the host."""

    name: str = CUDA

    def unavailable(self, versions: Versions) -> str | None:
        """Whether a compiler is missing."""
        try:
            find_compiler()
        except CompilerNotFound as error:
            return str(error)
        return None

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Generate, compile and run; of a batch, the first few."""
        # one thread is not the block that the CUDA code of tiles is for
        plain = [n for n, ran in enumerate(given) if not ran.expectation.program.block_dim][:HOSTED]
        chosen = [given[n] for n in plain]
        asked = [replace(job, launches=()) for job in jobs([ran.expectation for ran in chosen])]
        texts = sandbox.run(asked, BuildOptions(optimization_level=0, cuda_arch=ARCH))
        found = [Probed()] * len(given)
        for n, ran, text in zip(plain, chosen, texts, strict=True):
            found[n] = self._one(ran, text)
        return found

    def _one(self, ran: Ran, text: JobResult) -> Probed:
        if text.status is not Status.OK:
            face = FailureKind.BUILD_ERROR if text.status is Status.BUILD_ERROR else FailureKind.REJECTED
            failure = Failure(FailureKind.OPTION_MISMATCH, text.message, variant=self.name, face=face)
            return Probed(failure, True, text.cuda)
        assert text.cuda is not None
        expectation = ran.expectation
        # there the adjoint of an indexed array is a plain one, which nothing could make of what a launch has
        takes_back = not expectation.program.indexed
        backward = takes_back and not {Limit.DYNAMIC_LOOP, Limit.NO_BACKWARD} & {*expectation.limits}
        source = host_text(text.cuda, takes_back)
        result = _scorer().run_text(expectation, expectation.program.name, source, backward)
        if isinstance(result, str):
            face = FailureKind.BUILD_ERROR
            return Probed(Failure(FailureKind.OPTION_MISMATCH, result, variant=self.name, face=face), True, text.cuda)
        return Probed(misjudged(FailureKind.OPTION_MISMATCH, self.name, expectation, result), True, text.cuda)
