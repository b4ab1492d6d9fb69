"""Options of Warp that must not change a result.

A sweep counts where its option changed the generated text of the program or the machine code of its module: one
that changes neither has tested nothing, and is reported so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from harness.jobs import BuildOptions, JobResult, Versions
from harness.oracle.expectation import Expectation
from harness.probes.probe import DECORATOR, Probed, Ran, bits_differ, misjudged, not_run
from harness.sandbox import Sandbox
from harness.verdict import FailureKind
from harness.verify import jobs
from strategies.language.limits import Limit
from strategies.language.nodes import Assign, AugmentedAssign, For, Part, Program, walk
from strategies.language.parts import is_backwards

#: Kernels of a batch that are built alone: each costs a build of its own, and all are alike.
ALONE: Final = 3
MUTE: Final = "_mute"
#: What Warp says of a constant that a loop changes: documented, and a matter of which loops are unrolled.
_CHANGED_CONSTANT: Final = "mutating a constant"


def _never(program: Program) -> bool:
    return False


def _has_constant_loop(program: Program) -> bool:
    return any(isinstance(node, For) for node in walk(program))


def _always(program: Program) -> bool:
    return True


def _stores_backwards(program: Program) -> bool:
    """Whether a slice is changed in reverse, of which Warp is known to reverse the gradient under this option."""
    return any(
        isinstance(node, Assign | AugmentedAssign) and isinstance(node.target, Part) and is_backwards(node.target)
        for node in walk(program)
    )


@dataclass(frozen=True)
class Sweep:
    """One option, or one circumstance, under which programs are run again.

    Attributes:
        name: of the sweep.
        module: options of the Warp module.
        config: settings of `wp.config`.
        block_dim: of the launches.
        warm: whether the kernels come from the cache of another process.
        alone: whether each kernel is built in a module of its own.
        with_mute: whether each kernel shares its module and functions with itself, built without a backward pass.
        bits: whether results must agree to the bit; else they are held against the reference, since the same
            sums are rounded in another order.
        forward_only: of which programs no gradient is asked for.
        lifts: limits of gradients that do not hold under the option.
    """

    name: str
    module: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    block_dim: int | None = None
    warm: bool = False
    alone: bool = False
    with_mute: bool = False
    bits: bool = True
    forward_only: Callable[[Program], bool] = _never
    lifts: tuple[Limit, ...] = ()

    @property
    def options(self) -> BuildOptions:
        """How the sweep builds."""
        return BuildOptions(0, self.module, self.config, None, self.block_dim, self.warm, digest=True)

    def unavailable(self, versions: Versions) -> str | None:
        """Which setting this release of Warp lacks."""
        missing = [name for name in (*self.config, *self.module) if name not in versions.settings]
        return f"Warp {versions.warp} has no {missing[0]}" if missing else None

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Build and run the programs under the option."""
        chosen = given[:ALONE] if self.alone else given
        expected = [self.expected(ran.expectation) for ran in chosen]
        asked = [
            replace(job, source=with_mute(job.source, job.entry)) if self.with_mute else job for job in jobs(expected)
        ]
        if self.alone:
            results = [sandbox.run([job], self.options)[0] for job in asked]
        else:
            results = sandbox.run(asked, self.options)
        found = [self._compare(*each) for each in zip(chosen, expected, results, strict=True)]
        return found + [Probed()] * (len(given) - len(chosen))

    def expected(self, expectation: Expectation) -> Expectation:
        """What is expected under the option: less where gradients are not asked for, more where a limit is lifted."""
        limits = tuple(limit for limit in expectation.limits if limit not in self.lifts)
        if self.forward_only(expectation.program):
            limits = (Limit.DYNAMIC_LOOP,)
        return replace(expectation, limits=limits)

    def _compare(self, given: Ran, expected: Expectation, result: JobResult) -> Probed:
        failure = not_run(FailureKind.OPTION_MISMATCH, self.name, result)
        if failure is not None:
            allowed = "max_unroll" in self.module and _CHANGED_CONSTANT in result.message
            return Probed() if allowed else Probed(failure, True, result.cpp)
        if self.bits:
            failure = bits_differ(
                FailureKind.OPTION_MISMATCH, self.name, given, expected, result, gradients=not expected.limits
            )
        else:
            failure = misjudged(FailureKind.OPTION_MISMATCH, self.name, expected, result)
        counted = result.code != given.result.code or result.cpp != given.result.cpp
        return Probed(failure, counted, result.cpp)


def with_mute(source: str, entry: str) -> str:
    """The source of a kernel with a second one in front, of the same body, that has no backward pass.

    One with options of its own is left alone: its module may be its own, too.
    """
    if DECORATOR not in source:
        return source
    head, kernel = source.split(DECORATOR)
    mute = re.sub(rf"\b{entry}\b", f"{entry}{MUTE}", kernel).rstrip("\n")
    return f"{head}@wp.kernel(enable_backward=False)\n{mute}\n\n\n{DECORATOR}{kernel}"


SWEEPS: Final = (
    Sweep("debug mode", module={"mode": "debug"}),
    Sweep("max_unroll 0", module={"max_unroll": 0}, bits=False, forward_only=_has_constant_loop),
    Sweep("block_dim 64", config={"enable_cpu_blocks": True}, block_dim=64, bits=False),
    Sweep("vector component overwrites", config={"enable_vector_component_overwrites": True}, bits=False,
          forward_only=_stores_backwards, lifts=(Limit.COMPONENT_REASSIGNED,)),
    Sweep("with a kernel without backward", with_mute=True),
    Sweep("max_unroll 64", module={"max_unroll": 64}, bits=False),
    Sweep("warm cache", warm=True),
    Sweep("without backward", module={"enable_backward": False}, forward_only=_always),
    Sweep("alone in a module", alone=True),
    Sweep("block_dim 4", config={"enable_cpu_blocks": True}, block_dim=4, bits=False),
    Sweep("without fuse_fp", module={"fuse_fp": False}, bits=False),
)  # fmt: skip
"""In the order in which a hunt comes to them."""


SWEEP_NAMES: Final = {sweep.name: sweep for sweep in SWEEPS}
