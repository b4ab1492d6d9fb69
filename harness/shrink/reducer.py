"""The search: candidates in batches, the first that still fails in the same way is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harness.jobs import BuildOptions
from harness.oracle.expectation import Expectation
from harness.sandbox import Sandbox
from harness.shrink.candidates import dressed, ordered, renamed, structural
from harness.shrink.manner import Manner, gross, manner, same_failure
from harness.shrink.slicing import sliced
from harness.verdict import FailureKind, Outcome, Verdict, inconclusive
from harness.verify import jobs, judge, refereed, try_expect, verify_all
from strategies.language.hashing import content_hash
from strategies.language.nodes import Program, size

#: Verifies a batch of programs.
Verify: TypeAlias = Callable[[Sequence[Program]], list[Verdict]]
#: Whether a program that fails in the manner looked for may be the defect looked for.
Keeps: TypeAlias = Callable[[Program, Verdict], bool]
_Expected: TypeAlias = Expectation | Verdict
#: A program of up to this many nodes is worth no second draw of inputs: it reads well already.
SMALL: Final = 25
_SLOW: Final = (FailureKind.BUILD_ERROR, FailureKind.CRASH, FailureKind.HANG)


@dataclass(frozen=True)
class Limits:
    """When reducing stops before nothing simpler fails.

    `batch` is how many candidates are built together: a module of eight costs a third of eight modules.
    Where a failure needs luck with the inputs, `draws` gives every candidate more of it.
    """

    verifications: int = 600
    seconds: float = 60.0
    batch: int = 8
    #: how many, for build errors, crashes and hangs: each that fails is run again alone, which takes seconds
    slow_batch: int = 2
    #: draws of inputs for each candidate, one after the other while nothing simpler fails
    draws: int = 2


@dataclass(frozen=True)
class Reduced:
    """What a program was reduced to, and how.

    `verifications` are the candidates that were judged; `stopped` says which limit ended it, None if there was nothing
    simpler left.  `others` are failures of other kinds
    that were met on the way, the first of each.  `fails_without_optimization` and `fails_by_default` say
    whether the result, alone in a fresh process, fails so at optimization level 0 and at Warp's default; the latter is
    taken to be so where nobody asked.
    """

    program: Program
    verdict: Verdict
    verifications: int
    stopped: str | None = None
    others: tuple[tuple[Program, Verdict], ...] = ()
    #: the seed, as for `verify_all`, of the inputs on which the result fails
    seed: int = 0
    fails_without_optimization: bool = True
    fails_by_default: bool = True


@dataclass
class _Reducer:
    program: Program
    verdict: Verdict
    #: what is expected of a program, or why there is nothing: that costs a tenth of running it
    expect: Callable[[Program, int], _Expected]
    run_batch: Callable[[Sequence[Expectation]], list[Verdict]]
    limits: Limits
    keeps: Keeps
    steps: int = 0
    stopped: str | None = None
    seen: set[str] = field(default_factory=set)
    #: the draw of inputs that is tried, and that of the program kept
    draw: int = 0
    kept_draw: int = 0
    memo: dict[str, Verdict] = field(default_factory=dict)
    asked: dict[str, bool] = field(default_factory=dict)
    others: dict[Manner, tuple[Program, Verdict]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        assert self.verdict.failure is not None
        self.origin = (self.program, self.verdict.failure)
        self.batch = self.limits.slow_batch if self.verdict.failure.kind in _SLOW else self.limits.batch

    def fails(self, program: Program, verdict: Verdict) -> bool:
        """Whether `program` fails in the way of the original; other failures are noted."""
        if verdict.outcome is not Outcome.FAILURE or verdict.failure is None:
            return False
        if same_failure(*self.origin, program, verdict.failure):
            return self.kept(program, verdict)
        self.others.setdefault(manner(program, verdict.failure), (program, verdict))
        return False

    def kept(self, program: Program, verdict: Verdict) -> bool:
        """Whether a program that fails in the right manner also has the right defect; asked once of each."""
        key = self.key(program)
        if key not in self.asked:
            self.asked[key] = self.keeps(program, verdict)
        return self.asked[key]

    def first(self, programs: Iterator[Program]) -> bool:
        """Keep the first of `programs` that still fails; whether there is one."""
        more = True
        while more and self.stopped is None:
            group, new, more = self.gather(programs)
            if new:
                for expected, verdict in zip(new, self.run_batch(new), strict=True):
                    self.memo[self.key(expected.program)] = verdict
            for program in group:
                key = self.key(program)
                self.seen.add(key)
                verdict = self.memo[key]
                if self.fails(program, verdict):
                    self.program, self.verdict, self.kept_draw = program, verdict, self.draw
                    self.steps += 1
                    return True
            self.watch()
        return False

    def key(self, program: Program) -> str:
        return f"{content_hash(program)}/{self.draw}"

    def gather(self, programs: Iterator[Program]) -> tuple[list[Program], list[Expectation], bool]:
        """The next programs in order, those of them to be verified, and whether there may be more.

        A full batch is verified at a time: what is known, or turns out invalid, takes no place in it.
        """
        group: list[Program] = []
        new: list[Expectation] = []
        for program in programs:
            group.append(program)
            key = self.key(program)
            if key not in self.memo:
                expected = self.expect(program, self.draw)
                if isinstance(expected, Expectation):
                    new.append(expected)
                    if len(new) == self.batch:
                        return group, new, True
                else:
                    self.memo[key] = expected
            elif self.memo[key].outcome is Outcome.FAILURE and self.fails(program, self.memo[key]):
                return group, new, True
        return group, new, False

    def watch(self) -> None:
        if len(self.seen) >= self.limits.verifications:
            self.stopped = f"{self.limits.verifications} verifications"
        elif time.monotonic() - self.started > self.limits.seconds:
            self.stopped = f"{self.limits.seconds:g} seconds"

    def run(self) -> None:
        """The outputs first; then structure, until nothing smaller fails; then the dress; names last.

        In another dress, or under other names and so with other inputs, something smaller may fail after all.
        """
        self.first(sliced(*self.origin))
        changed = True
        while changed:
            self.exhaust(lambda p: ordered(p, structural(p)))
            before = self.steps
            self.exhaust(lambda p: ordered(p, dressed(p)))
            self.draw = 0
            changed = self.stopped is None and (self.first(renamed(self.program)) or self.steps > before)

    def exhaust(self, edits: Callable[[Program], Iterator[Program]]) -> None:
        """Keep candidates until none fails, on any draw of inputs if the program is large still."""
        self.draw = 0
        while self.stopped is None:
            if self.first(edits(self.program)):
                self.draw = 0
            elif self.draw + 1 < self.limits.draws and size(self.program) > SMALL:
                self.draw += 1
            else:
                return


def reduce(
    program: Program,
    verdict: Verdict,
    sandbox: Sandbox,
    *,
    seed: int = 0,
    limits: Limits = Limits(),
    verify: Verify | None = None,
    keeps: Keeps = lambda program, verdict: True,
) -> Reduced:
    """The simplest program found that fails as `program` does.

    Args:
        program: the failing program.
        verdict: what was found; its outcome is a failure.
        sandbox: where candidates run, at optimization level 0.
        seed: of the inputs, as for `verify_all`.
        limits: when to stop early.
        verify: how a batch is judged; `verify_all` in the sandbox, if None.
        keeps: whether a candidate that fails in the same manner may be kept: what looks alike may be another
            defect, one that the ledger knows, say.

    Raises:
        ValueError: `verdict` is no failure.
    """
    if verdict.failure is None:
        raise ValueError("only a failure can be reduced")

    def run_batch(expectations: Sequence[Expectation]) -> list[Verdict]:
        if verify is not None:
            return verify([expected.program for expected in expectations])
        verdicts = []
        for expected, result in zip(expectations, sandbox.run(jobs(expectations)), strict=True):
            found = judge(expected, result)
            # only what may be rounding is worth the referee's time
            if found.failure is not None and not gross(found.failure):
                found = refereed(expected, result, found, sandbox, BuildOptions())
            verdicts.append(found)
        return verdicts

    first_seed = seed

    def expected(program: Program, draw: int) -> _Expected:
        # the generator never makes some of these programs, so the reference need not be ready for them
        try:
            return try_expect(program, first_seed + draw)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            return inconclusive(f"it cannot be evaluated: {error!r}")

    reducer = _Reducer(program, verdict, expected, run_batch, limits, keeps)
    reducer.run()
    found, seed = reducer.program, seed + reducer.kept_draw
    if verify is None:
        (again,) = verify_all([found], sandbox, seed)
    else:
        (again,) = verify([found])
    same = again.failure is not None and same_failure(program, verdict.failure, found, again.failure)
    return Reduced(
        program=found,
        verdict=again if same else reducer.verdict,
        verifications=len(reducer.seen),
        stopped=reducer.stopped,
        others=tuple(reducer.others.values()),
        seed=seed,
        fails_without_optimization=same,
        # at Warp's default level it would take as long as twenty candidates to find out: a report's script does
        fails_by_default=same or verify is None,
    )
