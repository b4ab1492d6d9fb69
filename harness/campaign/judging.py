"""A worker's judgement of programs: drawn, run in its sandboxes, and laid to known issues."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from harness.campaign.plan import PROBED, Plan
from harness.jobs import BuildOptions, JobResult, Versions
from harness.oracle.expectation import Expectation
from harness.probes import Probe, other_spelling, probed
from harness.sandbox import Sandbox, SandboxError
from harness.triage import SAID, KnownIssue, Ledger, Verify, clears, message_head
from harness.verdict import Verdict
from harness.verify import jobs, settle, try_expect
from strategies import draw
from strategies.language.nodes import Apply, Atomic, Program, walk
from strategies.ops import ATOMICS, OPS

#: What kernels on a CUDA device go without: a product and a sum that the compiler joins are rounded once, which is
#: right, and other than on the CPU, whose results are compared to the bit where they are exact.
FUSION: Final = "fuse_fp"


class Lost(Exception):
    """Something unexpected happened over the program at `index`; the message says which that is."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


class Judge:
    """Draws programs of a plan, verifies them, and explains failures.

    Args:
        plan: what the campaign is.
        sandbox: where programs are built and run.
        on_device: the same on the CUDA device, if there is one.
    """

    def __init__(self, plan: Plan, sandbox: Sandbox, on_device: Sandbox | None) -> None:
        self._plan = plan
        self._sandbox = sandbox
        self._on_device = on_device
        self._ledger = Ledger.load()
        self._versions = sandbox.versions
        self._lacking = lacking(self._versions)

    def _program(self, index: int) -> Program | None:
        category, n = self._plan.place(index)
        with self._named(index):
            program = draw(category, self._plan.seed, n)
        return None if program is None or operations(program) & self._lacking else program

    @contextlib.contextmanager
    def _named(self, index: int) -> Iterator[None]:
        try:
            yield
        except (SandboxError, OSError, MemoryError):
            raise
        except Exception as error:
            category, n = self._plan.place(index)
            which = f"kernel {n} of category {category}, seed {self._plan.seed}"
            raise Lost(index, f"{which}: {error!r}") from error

    def _settle(
        self,
        expectations: Sequence[Expectation | Verdict],
        results: Sequence[JobResult],
        options: BuildOptions,
    ) -> list[Verdict]:
        """The verdicts on a batch that was built, after running it on the CUDA device too if there is one."""
        verdicts = settle(expectations, results, self._sandbox, options)
        if self._on_device is None:
            return verdicts
        assert self._plan.device is not None
        if FUSION in self._versions.settings:
            options = replace(options, module={**options.module, FUSION: False})
        again = settle(expectations, self._on_device.run(jobs(expectations), options), self._on_device, options)
        return [
            first
            if first.failure is not None or (second.failure is None and not first.verified)
            else first.because(devices=(*first.devices, self._plan.device))
            if second.verified
            else second.because(devices=(self._plan.device,))
            for first, second in zip(verdicts, again, strict=True)
        ]

    def _probe(self, index: int) -> Probe | None:
        """The probe of a program, if it can be had here."""
        probe = self._plan.probe(index)
        return None if probe is None or probe.unavailable(self._versions) is not None else probe

    def _verify(
        self,
        programs: Sequence[Program],
        options: BuildOptions,
        probe: Probe | None = None,
        seed: int | None = None,
        like: Program | None = None,
    ) -> list[Verdict]:
        """As `verify_all`, on the CUDA device as well if there is one, and in the second way if there is a probe."""
        seed = self._plan.seed if seed is None else seed
        return self._judged([try_expect(program, seed, like) for program in programs], options, probe)[0]

    def _judging(self, options: BuildOptions, probe: Probe | None) -> Verify:
        """How rewritten programs are judged: as those were that failed, built so and in the second way of a probe.

        One by one with a probe, for some take a few programs of a batch alone.
        """
        if probe is None:
            return lambda programs, seed, like: self._verify(programs, options, None, seed, like)
        return lambda programs, seed, like: [
            verdict for program in programs for verdict in self._verify([program], options, probe, seed, like)
        ]

    def _judged(
        self, expectations: Sequence[Expectation | Verdict], options: BuildOptions, probe: Probe | None
    ) -> tuple[list[Verdict], dict[int, bool]]:
        """The verdicts on a batch, and for which of it a second way, if there is a probe, was another way at all."""
        results = self._sandbox.run(jobs(expectations), options)
        verdicts = self._settle(expectations, results, options)
        return (verdicts, {}) if probe is None else probed(probe, expectations, results, verdicts, self._sandbox)

    def _explain_all(
        self, failing: Mapping[int, tuple[Program, Verdict]], options: BuildOptions, probe: Probe | None
    ) -> dict[int, str | None]:
        """What `_explain` says of each failure of a batch, by the index of the program; rewritten programs of several
        are built together."""
        known: dict[int, str | None] = {}
        if probe is not None:
            for index, (program, verdict) in failing.items():
                with self._named(index):
                    known[index] = self._explain(program, verdict, options, probe)
            return known
        version, seed, verify = self._versions.warp, self._plan.seed, self._judging(options, None)
        rewritten: dict[int, list[tuple[KnownIssue, Program]]] = {}
        for index, (program, verdict) in failing.items():
            assert verdict.failure is not None
            with self._named(index):
                rewritten[index] = self._ledger.rewritten(program, verdict.failure, version)
        attempts: dict[int, list[tuple[KnownIssue, Program, Verdict]]] = {index: [] for index in failing}
        # of four failures, the first issue that may be it is three times: the others are tried where it was not
        for some in (slice(1), slice(1, None)):
            asked = [
                (index, *attempt)
                for index, (_, verdict) in failing.items()
                if not any(clears(verdict, found, other) for _, other, found in attempts[index])
                for attempt in rewritten[index][some]
            ]
            expectations: list[Expectation | Verdict] = []
            for index, _, other in asked:
                with self._named(index):
                    expectations.append(try_expect(other, seed, failing[index][0]))
            verdicts, _ = self._judged(expectations, options, None)
            for (index, issue, other), found in zip(asked, verdicts, strict=True):
                attempts[index].append((issue, other, found))
        for index, (program, verdict) in failing.items():
            with self._named(index):
                known_as = self._ledger.concluded(program, verdict, attempts[index], version, seed, verify, program)
            known[index] = None if known_as is None else known_as.id
        return known

    def _explain(
        self, program: Program, verdict: Verdict, options: BuildOptions, probe: Probe | None = None
    ) -> str | None:
        """The id of the known issue that a failure is, judged by rewrites; None if it is another."""
        if verdict.failure is not None and verdict.failure.variant:
            other = other_spelling(program, verdict.failure.variant)
            if other is not program:
                # What is wrong with the other spelling may be known without the first.
                (verdict,) = self._verify([other], PROBED)
                return self._explain(other, verdict, PROBED)
        else:
            # the plain build fails already
            probe = None
        verify = self._judging(PROBED if probe else options, probe)
        known = self._ledger.explain(program, verdict, self._sandbox, self._versions.warp, self._plan.seed, verify)
        return None if known is None else known.id


def manner_of(verdict: Verdict) -> str:
    """In which manner a program fails, roughly; failures of one bug share it."""
    failure = verdict.failure
    assert failure is not None
    said = failure.message.strip().splitlines()[:1] if failure.expected is None else []
    if (failure.face or failure.kind) in SAID:
        # what begins such a message names the one kernel, or says no more than that the compiler was not content
        said = [message_head(failure.message)]
    words = [failure.kind.value, failure.variant, "gradient" if failure.gradient else "", *said, *verdict.devices]
    return " ".join(word for word in words if word)


def operations(program: Program) -> frozenset[str]:
    """The operators and built-ins that a program applies, by the names that Warp's registry has for them."""
    nodes = [node for node in walk(program) if isinstance(node, Apply | Atomic)]
    return frozenset(OPS[n.op].warp_name if n.op in OPS else n.op for n in nodes)


def lacking(versions: Versions) -> frozenset[str]:
    """What of the op table a release of Warp does not have: programs that apply it are left out."""
    return frozenset({row.warp_name for row in OPS.values()} | set(ATOMICS)) - set(versions.builtins)
