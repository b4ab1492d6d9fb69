"""A kernel that is defined again, under the name of one that is there: as in a notebook, or where a module is reloaded.

The last definition is the one that counts, whether the one before it was built or refused.  Each kernel is alone in its
module, since a module that is refused is refused for all of its kernels.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.jobs import Versions
from harness.probes.probe import DECORATOR, Probed, Ran, bits_differ, not_run
from harness.sandbox import Sandbox
from harness.verdict import FailureKind
from harness.verify import FAST, jobs

#: Kernels of a batch that are defined twice: each costs a build of its own, and all are alike.
MOST: Final = 2


@dataclass(frozen=True)
class Redefinition:
    """What the kernel was before: `body` is the text of its statements then."""

    name: str
    body: str

    def unavailable(self, versions: Versions) -> str | None:
        """Kernels can be defined again everywhere."""
        return None

    def apply(self, given: Sequence[Ran], sandbox: Sandbox) -> list[Probed]:
        """Build the kernel as it was before, then as it is, and compare to the bit."""
        found = [Probed()] * len(given)
        plain = jobs([ran.expectation for ran in given])
        able = [n for n, job in enumerate(plain) if DECORATOR in job.source]
        for n in able[:MOST]:
            again = replace(plain[n], source=self.defined_twice(plain[n].source, plain[n].entry))
            (result,) = sandbox.run([again], FAST)
            kind, expectation = FailureKind.REDEFINITION_MISMATCH, given[n].expectation
            failure = not_run(kind, self.name, result) or bits_differ(
                kind, self.name, given[n], expectation, result, gradients=not expectation.limits
            )
            found[n] = Probed(failure, True, result.cpp)
        return found

    def defined_twice(self, source: str, entry: str) -> str:
        """The source of a kernel in which another of its name, and with its parameters, is defined and built before."""
        head, kernel = source.split(DECORATOR)
        (function,) = (n for n in ast.parse(kernel).body if isinstance(n, ast.FunctionDef) and n.name == entry)
        signature = "\n".join(kernel.split("\n")[: function.body[0].lineno - 1])
        # blocks of one thread, as launches on the CPU have
        build = f'try:\n    wp.load_module({entry}.module, device="cpu", block_dim=1)\nexcept Exception:\n    pass\n'
        return f"{head}{DECORATOR}{signature}\n    {self.body}\n\n\n{build}\n\n{DECORATOR}{kernel}"


REDEFINITIONS: Final = {
    redefinition.name: redefinition
    for redefinition in (
        Redefinition("defined again after it was refused", "wp.not_there()"),
        Redefinition("defined again after it was built", "pass"),
    )
}
"""By name, in the order in which a hunt comes to them."""
