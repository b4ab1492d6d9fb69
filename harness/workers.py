"""The processes that draw and verify on behalf of a campaign, and the handle that the campaign has on one.

A worker draws a batch of programs, computes what each must give, and has its own `Sandbox` build and run
them; while a batch is being built, it prepares the next.  It talks with the campaign in frames over two
pipes.  What it answers depends on the plan and the indices alone, never on what it did before.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Final, NoReturn

from corpus.record import Provenance, Record, Verification, encode_record, make_record
from harness.expectation import Expectation
from harness.jobs import BuildOptions, JobResult, Versions
from harness.probes import Probe, other_spelling, probe_of_batch, probed
from harness.sandbox import Sandbox, SandboxError
from harness.shrink import Limits, Reduced, reduce
from harness.triage import Ledger, bucket
from harness.verdict import FailureKind, Outcome, Tier, Verdict
from harness.verify import jobs, settle, try_expect
from harness.worker import FrameReader, OutOfTime, die_with_parent, write_frame
from strategies import draw
from strategies.language.check import check_program
from strategies.language.nodes import Apply, Atomic, Program, walk
from strategies.language.rules import IllFormed
from strategies.ops import ATOMICS, OPS, result_type

BATCH: Final = 16
"""Programs that are built together.  What a batch costs besides its kernels is shared by so many; beyond this there
is less than a twentieth to win (`benchmarks/building.py`), and one kernel that does not compile, of which there is one
in 150, has the others built again."""

SAMPLE: Final = 16
"""Every so many batches one is built at Warp's default optimization level, which takes three times as long
and hides what level 0 shows.  Whole batches, since a batch has one level."""

HUNT_LEVELS: Final = (0, 0, 0, None, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1)
"""The optimization levels that a hunt goes through, a batch each; None is Warp's default.  Level 0 hides
nothing and is the quickest, and each of the others has a header of its own to build first."""

MAX_OTHERS: Final = 2
"""Further defects met while one failure was reduced that are reduced at once."""

PROBED: Final = BuildOptions(optimization_level=0, digest=True)
"""How a batch that is probed is built plainly."""

CUDA_ARCH: Final = 90
"""The architecture that CUDA text is compiled for: sm_90, which every NVRTC that Warp ships knows."""

MAX_CPP_BYTES: Final = 64 * 1024
"""Pairs with more C++ than this are verified and not stored: ten times the usual size, and more than those
who train on pairs can use."""

CLOSE_SECONDS: Final = 3.0
"""Time for a worker to end its sandbox and remove its folders before it is killed."""

_INVALID: Final = "invalid program"


@dataclass(frozen=True)
class Plan:
    """What decides a campaign's programs and how each is verified: the same plan gives the same results.

    Programs come from the categories in turn: program `i` of a campaign from category `i % n`, the next of its
    stream.  A category may be listed more than once.
    """

    seed: int
    categories: tuple[str, ...]
    hunt: bool = False
    check_cuda: bool = False
    #: the CUDA device that kernels are run on as well, if there is one
    device: str | None = None
    #: for reducing one failure
    limits: Limits = field(default_factory=Limits)
    #: whether known issues are reduced as well, so that each can have a case
    keep_known: bool = False
    #: whether the first new failure is the last, so that others met while it is reduced are let go
    fail_fast: bool = False
    #: the probes of a hunt, by name, for every batch in turn; if there are none, a few batches get one each
    probes: tuple[str, ...] = ()
    #: the interpreter whose Warp builds and runs
    python: str = sys.executable

    @property
    def campaign(self) -> str:
        """The name of the campaign: all that changes which programs are drawn."""
        return f"seed={self.seed} categories={','.join(self.categories)}"

    def place(self, index: int) -> tuple[str, int]:
        """The category of a program of the campaign, and its index in that category's stream."""
        turn, position = divmod(index, len(self.categories))
        category = self.categories[position]
        return category, turn * self.categories.count(category) + self.categories[:position].count(category)

    def probe(self, index: int) -> Probe | None:
        """In which second way a program of a hunt is run; the same for a whole batch."""
        return probe_of_batch(index // BATCH, self.probes) if self.hunt else None

    def options(self, index: int) -> BuildOptions:
        """How a program of the campaign is built; the same for a whole batch."""
        if self.probe(index) is not None:
            return PROBED
        number = index // BATCH
        level: int | None = 0
        if self.hunt:
            level = HUNT_LEVELS[number % len(HUNT_LEVELS)]
        elif number % SAMPLE == SAMPLE - 1:
            level = None
        return BuildOptions(optimization_level=level, cuda_arch=CUDA_ARCH if self.check_cuda else None)

    @staticmethod
    def batch(start: int) -> range:
        """The indices from `start` to the end of its batch."""
        return range(start, (start // BATCH + 1) * BATCH)


@dataclass(frozen=True)
class Result:
    """What became of one program of a campaign.

    `what` is "backward" or "forward" for a verified pair, with the `record` as it will be stored, and else
    "inconclusive", "invalid", "discarded", "lacking", "too large", "known:<id>" or "failure".
    """

    index: int
    category: str
    what: str
    structure: str = ""
    record: bytes | None = None
    #: for a failure: in which manner it fails, roughly; failures of one bug share it
    manner: str = ""
    #: for a failure, and for a known issue that is to be kept: the program and what was found
    evidence: tuple[Program, Verdict] | None = None
    #: the probe that it went through, and whether that counted
    probe: tuple[str, bool] | None = None

    @property
    def verified(self) -> bool:
        """Whether there is a pair to store."""
        return self.record is not None


@dataclass(frozen=True)
class ReducedFailure:
    """A failure, made small, or as it was found if that could not be done; `trouble` says why, then.

    `bucket` is the id of the known issue that it is, if it is one.  `others` are further defects that were met
    on the way, made small as well.
    """

    bucket: str
    reduced: Reduced
    device: str
    trouble: str = ""
    others: tuple[ReducedFailure, ...] = ()

    @classmethod
    def of(cls, reduced: Reduced, known: str | None = None, trouble: str = "") -> ReducedFailure:
        """With its bucket; `known` is the id of the issue that explains it."""
        failure = reduced.verdict.failure
        assert failure is not None
        device = reduced.verdict.devices[-1] if reduced.verdict.devices else "cpu"
        return cls(known or bucket(reduced.program, failure), reduced, device, trouble)

    @classmethod
    def unreduced(
        cls, program: Program, verdict: Verdict, known: str | None = None, trouble: str = ""
    ) -> ReducedFailure:
        """A failure as it was found."""
        reduced = Reduced(program, verdict, steps=0, verifications=0, stopped="it was not begun")
        return cls.of(reduced, known, trouble)


# ---------------------------------------------------------------- within the worker


@dataclass(frozen=True)
class _Prepared:
    """A batch; without the draws that were discarded."""

    indices: Sequence[int]
    expectations: Mapping[int, Expectation | Verdict]


class _Lost(Exception):
    """Something unexpected happened over one program; the message says which."""


class Lane:
    """Draws and verifies what it is asked for.  One batch is being built while the next is prepared."""

    def __init__(self, plan: Plan, sandbox: Sandbox, on_device: Sandbox | None, replies: int) -> None:
        self._plan = plan
        self._sandbox = sandbox
        self._on_device = on_device
        self._replies = replies
        self._ledger = Ledger.load()
        self._versions = sandbox.versions
        self._lacking = lacking(self._versions)
        self._building: _Prepared | None = None

    def serve(self, reader: FrameReader) -> None:
        """Answer requests until there are no more."""
        waiting: deque[Mapping[str, Any]] = deque()
        while True:
            idle = not waiting and self._building is None
            try:
                frame = reader.read(None if idle else time.monotonic())
            except OutOfTime:
                self._work(waiting)
                continue
            if frame is None:
                return
            # What is asked about a failure holds the campaign up.
            waiting.appendleft(frame) if "reduce" in frame else waiting.append(frame)

    def _work(self, waiting: deque[Mapping[str, Any]]) -> None:
        request = waiting.popleft() if waiting else {}
        if "reduce" in request:
            self._finish()
            index = request["reduce"]
            with self._named(index):
                reduced = self._reduce(index)
            self._answer({"index": index, "reduced": reduced})
            return
        prepared = self._prepare(request["verify"]) if request else None
        self._finish()
        if prepared is not None:
            self._sandbox.submit(jobs(list(prepared.expectations.values())), self._plan.options(prepared.indices[0]))
            self._building = prepared

    def _answer(self, frame: dict[str, Any]) -> None:
        write_frame(self._replies, frame)

    def _prepare(self, indices: Sequence[int]) -> _Prepared:
        expectations = {}
        for index in indices:
            program = self._program(index)
            if program is not None:
                with self._named(index):
                    expectations[index] = try_expect(program, self._plan.seed)
        return _Prepared(indices, expectations)

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
            raise _Lost(f"kernel {n} of category {category}, seed {self._plan.seed}: {error!r}") from error

    def _finish(self) -> None:
        prepared, self._building = self._building, None
        if prepared is None:
            return
        first = prepared.indices[0]
        options, probe = self._plan.options(first), self._probe(first)
        expectations = list(prepared.expectations.values())
        results = self._sandbox.collect()
        verdicts = self._settle(expectations, results, options)
        counted: dict[int, bool] = {}
        if probe is not None:
            verdicts, counted = probed(probe, expectations, results, verdicts, self._sandbox)
        found = dict(zip(prepared.expectations, zip(expectations, verdicts, strict=True), strict=True))
        drawn = dict(zip(prepared.expectations, range(len(expectations)), strict=True))
        answers = []
        for index in prepared.indices:
            expectation, verdict = found.get(index, (None, None))
            with self._named(index):
                answer = self._result(index, expectation, verdict, options)
            if probe is not None and drawn.get(index) in counted:
                answer = replace(answer, probe=(probe.name, counted[drawn[index]]))
            answers.append(answer)
        self._answer({"results": answers})

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
        again = settle(expectations, self._on_device.run(jobs(expectations), options), self._on_device, options)
        return [
            first
            if not first.verified
            else first.because(devices=(*first.devices, self._plan.device))
            if second.verified
            else second.because(devices=(self._plan.device,))
            for first, second in zip(verdicts, again, strict=True)
        ]

    def _probe(self, index: int) -> Probe | None:
        """The probe of a program, if it can be had here."""
        probe = self._plan.probe(index)
        return None if probe is None or probe.unavailable(self._versions) is not None else probe

    def _verify(self, programs: Sequence[Program], options: BuildOptions, probe: Probe | None = None) -> list[Verdict]:
        """As `verify_all`, on the CUDA device as well if there is one, and in the second way if there is a probe."""
        expectations = [try_expect(program, self._plan.seed) for program in programs]
        results = self._sandbox.run(jobs(expectations), options)
        verdicts = self._settle(expectations, results, options)
        return verdicts if probe is None else probed(probe, expectations, results, verdicts, self._sandbox)[0]

    def _result(
        self,
        index: int,
        expectation: Expectation | Verdict | None,
        verdict: Verdict | None,
        options: BuildOptions,
    ) -> Result:
        category, n = self._plan.place(index)
        if verdict is None:
            program = draw(category, self._plan.seed, n)
            return Result(index, category, "discarded" if program is None else "lacking")
        if not isinstance(expectation, Expectation):
            invalid = (verdict.reason or "").startswith(_INVALID)
            return Result(index, category, "invalid" if invalid else "inconclusive")
        program = expectation.program
        if verdict.failure is not None and not self._plan.hunt:
            # Alone, for a neighbour may have damaged the memory of the batch. In a hunt that is found out when
            # the failure is reduced.
            (verdict,) = self._verify([program], options)
        if verdict.outcome is Outcome.INCONCLUSIVE:
            return Result(index, category, "inconclusive")
        if verdict.failure is not None:
            known = self._explain(program, verdict, self._probe(index))
            if known is not None:
                what = f"known:{known}"
                evidence = (program, verdict) if self._plan.keep_known else None
                return Result(index, category, what, manner=what, evidence=evidence)
            return Result(index, category, "failure", manner=_manner(verdict), evidence=(program, verdict))
        assert verdict.cpp is not None
        assert verdict.tier is not None
        if len(verdict.cpp.encode()) > MAX_CPP_BYTES:
            return Result(index, category, "too large")
        provenance = make_provenance(self._versions, self._plan.seed, n)
        record = make_pair(program, verdict, options, provenance)
        return Result(index, category, verdict.tier.value, record.structure, encode_record(record))

    def _explain(self, program: Program, verdict: Verdict, probe: Probe | None = None) -> str | None:
        """The id of the known issue that a failure is, judged by rewrites; None if it is another."""
        verify = None
        if verdict.failure is not None and verdict.failure.variant:
            other = other_spelling(program, verdict.failure.variant)
            if other is not program:
                # What is wrong with the other spelling may be known without the first.
                (verdict,) = self._verify([other], PROBED)
                return self._explain(other, verdict)
            verify = partial(self._verify, options=PROBED, probe=probe)
        known = self._ledger.explain(program, verdict, self._sandbox, self._versions.warp, self._plan.seed, verify)
        return None if known is None else known.id

    def _reduce(self, index: int) -> ReducedFailure | None:
        """The failure of the program at `index`, made small; None if it does not fail again."""
        options, probe = self._plan.options(index), self._probe(index)
        program = self._program(index)
        if program is None:
            return None
        (verdict,) = self._verify([program], options, probe)
        if verdict.failure is None:
            return None
        if not verdict.failure.variant:
            # the plain build fails already
            probe = None
        if options.optimization_level != 0:
            unoptimized = replace(options, optimization_level=0)
            (again,) = self._verify([program], unoptimized)
            if again.failure is not None and _manner(again) == _manner(verdict):
                # The quickest to build.
                options, verdict = unoptimized, again
        found = self._reduced(program, verdict, options, probe)
        if self._plan.fail_fast:
            # The campaign ends with this one.
            return found
        others = self._others(found.reduced.others, options, probe)
        return replace(found, others=others)

    def _reduced(
        self, program: Program, verdict: Verdict, options: BuildOptions, probe: Probe | None
    ) -> ReducedFailure:
        known = self._explain(program, verdict, probe)
        # Left to itself, reducing also finds out whether optimization matters.
        plain = replace(options, digest=False) == BuildOptions() and probe is None and self._on_device is None
        try:
            found = reduce(
                program,
                verdict,
                self._sandbox,
                seed=self._plan.seed,
                limits=self._plan.limits,
                verify=None if plain else lambda programs: self._verify(programs, options, probe),
                # What fails alike may be another defect, known or not.
                keeps=lambda candidate, found: self._explain(candidate, found, probe) == known,
            )
            if probe is not None:
                # Both ways were built at one level.
                found = replace(found, fails_by_default=False)
            elif not plain:
                found = replace(
                    found,
                    fails_without_optimization=self._fails(found.program, 0),
                    fails_by_default=self._fails(found.program, None),
                )
        except Exception as error:
            # A failure must not be lost because it cannot be made small.
            trouble = f"a failure could not be reduced: {error!r}"
            return ReducedFailure.unreduced(program, verdict, self._named_by_bucket(program, verdict, known), trouble)
        return ReducedFailure.of(found, self._named_by_bucket(found.program, found.verdict, known))

    def _named_by_bucket(self, program: Program, verdict: Verdict, known: str | None) -> str | None:
        """`known`, or the issue that lists the bucket of a failure that no rewrite explains."""
        assert verdict.failure is not None
        issue = self._ledger.by_bucket(bucket(program, verdict.failure), self._versions.warp)
        return known or (None if issue is None else issue.id)

    def _others(
        self, met: Sequence[tuple[Program, Verdict]], options: BuildOptions, probe: Probe | None
    ) -> tuple[ReducedFailure, ...]:
        """Other defects that reducing met: those that show again, and that no known issue explains."""
        found: list[ReducedFailure] = []
        for program, _ in met:
            if len(found) == MAX_OTHERS or not _in_language(program):
                continue
            (verdict,) = self._verify([program], options, probe)
            # Whether Warp must accept what an edit made is for a person to say.
            if verdict.failure is None or verdict.failure.kind in (FailureKind.REJECTED, FailureKind.BUILD_ERROR):
                continue
            own = probe if verdict.failure.variant else None
            if self._explain(program, verdict, own) is None:
                found.append(self._reduced(program, verdict, options, own))
        return tuple(found)

    def _fails(self, program: Program, level: int | None) -> bool:
        (verdict,) = self._verify([program], BuildOptions(optimization_level=level))
        return verdict.failure is not None


def operations(program: Program) -> frozenset[str]:
    """The operators and built-ins that a program applies, by the names that Warp's registry has for them."""
    nodes = [node for node in walk(program) if isinstance(node, Apply | Atomic)]
    return frozenset(OPS[n.op].spelling_of or n.op if n.op in OPS else n.op for n in nodes)


def lacking(versions: Versions) -> frozenset[str]:
    """What of the op table a release of Warp does not have: programs that apply it are left out."""
    return frozenset({row.spelling_of or row.name for row in OPS.values()} | set(ATOMICS)) - set(versions.builtins)


def _in_language(program: Program) -> bool:
    try:
        check_program(program, result_type)
    except IllFormed:
        return False
    return True


def _manner(verdict: Verdict) -> str:
    failure = verdict.failure
    assert failure is not None
    said = failure.message.strip().splitlines()[:1] if failure.expected is None else []
    words = [failure.kind.value, failure.variant, "gradient" if failure.gradient else "", *said, *verdict.devices]
    return " ".join(word for word in words if word)


def make_provenance(versions: Versions, seed: int, index: int) -> Provenance:
    """Where a program came from, given the versions in the sandbox."""
    return Provenance(
        warp=versions.warp,
        numpy=versions.numpy,
        hypothesis=_hypothesis_version(),
        warpsmith=own_version(),
        seed=seed,
        index=index,
    )


@cache
def _hypothesis_version() -> str:
    return importlib.metadata.version("hypothesis")


@cache
def own_version() -> str:
    """The version of warpsmith, or "checkout" where it is used without being installed."""
    try:
        return importlib.metadata.version("warpsmith")
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def make_pair(program: Program, verdict: Verdict, options: BuildOptions, provenance: Provenance) -> Record:
    """The record of a verified program."""
    assert verdict.cpp is not None
    assert verdict.tier is not None
    figures = verdict.figures
    backward = verdict.tier is Tier.BACKWARD
    level = options.optimization_level
    return make_record(
        program,
        cpp=verdict.cpp,
        cuda=verdict.cuda,
        verification=Verification(
            tier="backward" if backward else "forward",
            reason=verdict.reason,
            devices=verdict.devices,
            forward_error=figures.forward_error,
            forward_tolerance=figures.forward_tolerance,
            gradient_error=figures.gradient_error if backward else None,
            gradient_tolerance=figures.gradient_tolerance if backward else None,
            cells_checked=figures.cells_checked,
            gradients_checked=figures.gradients_checked,
            median_gradient_tolerance=figures.median_gradient_tolerance,
            inputs_seed=verdict.inputs_seed,
            launch=program.launch,
            layouts=verdict.layouts,
            options={
                "block_dim": 1,
                "optimization_level": "default" if level is None else level,
                **options.module,
            },
        ),
        provenance=provenance,
    )


def _serve(plan: Plan, requests: FrameReader, replies: int) -> None:
    with contextlib.ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(plan.python))
            on_device = stack.enter_context(Sandbox(plan.python, plan.device)) if plan.device else None
        except SandboxError as error:
            write_frame(replies, {"unusable": str(error)})
            return
        write_frame(replies, {"hello": sandbox.versions})
        try:
            Lane(plan, sandbox, on_device, replies).serve(requests)
        except BrokenPipeError:
            return
        except (SandboxError, _Lost) as error:
            write_frame(replies, {"broken": str(error), "trace": traceback.format_exc()})
        except Exception as error:
            write_frame(replies, {"broken": repr(error), "trace": traceback.format_exc()})


def main() -> NoReturn:
    """Be a worker: the plan comes in the first frame on standard input."""
    parent = os.getppid()

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)
    # Nothing that is printed may get between the frames.
    replies = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        requests = FrameReader(0)
        frame = requests.read() if os.getppid() == parent else None
        if frame is not None:
            _serve(frame["plan"], requests, replies)
    sys.exit(0)


# ---------------------------------------------------------------- seen from the campaign


class WorkerDied(Exception):
    """A worker's process is gone."""


class WorkerBroke(Exception):
    """A worker met something that it was not made for; `trace` is for those who mend it."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


_START: Final = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from harness.workers import main; main()"


class WorkerHandle:
    """A worker process, as the campaign sees it.

    `tasks` are the requests it has not answered.  It belongs to the thread that made it: on Linux the
    process dies with that thread.
    """

    def __init__(self, plan: Plan) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.versions: Versions | None = None
        # The same modules as here, wherever they were found.
        command = [sys.executable, "-c", _START, json.dumps(sys.path)]
        environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=environment,
            # Ctrl-C is for the campaign, which then ends its workers.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        self._reader = FrameReader(self._replies)
        self._write({"plan": plan})

    def fileno(self) -> int:
        """What to wait on for answers."""
        return self._replies

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, task: dict[str, Any]) -> None:
        """Send a request; `WorkerDied` if there is nobody to send it to."""
        self.tasks.append(task)
        self._write(task)

    def _write(self, frame: dict[str, Any]) -> None:
        try:
            write_frame(self._requests, frame)
        except BrokenPipeError:
            raise WorkerDied(self._end()) from None

    def answers(self) -> Iterator[dict[str, Any]]:
        """The answers that have arrived.

        Raises `WorkerDied`, `WorkerBroke`, or `SandboxError` if Warp cannot be used.
        """
        while True:
            try:
                frame = self._reader.read(time.monotonic())
            except OutOfTime:
                return
            if frame is None:
                raise WorkerDied(self._end())
            if "unusable" in frame:
                raise SandboxError(frame["unusable"])
            if "broken" in frame:
                raise WorkerBroke(frame["broken"], frame["trace"])
            if "hello" in frame:
                self.versions = frame["hello"]
                continue
            self.tasks.remove(self._answered(frame))
            yield frame

    def _answered(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The request that an answer answers; batches are answered in order."""
        if "results" in frame:
            return next(task for task in self.tasks if "verify" in task)
        return {"reduce": frame["index"]}

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        status = self._process.poll()
        if status is not None and status < 0:
            return f"a worker died of {signal.Signals(-status).name}"
        return f"a worker ended with status {status}"

    def dismiss(self) -> None:
        """Tell the process to end, without waiting for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """End the process, and wait until it is gone."""
        self.dismiss()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def find_cuda_device() -> str | None:
    """The first CUDA device that the driver knows of; None without a driver or a device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return None
    return "cuda:0" if count.value else None
