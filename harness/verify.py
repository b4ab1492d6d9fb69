"""One program in, one verdict out.  Read from the top: this is what a verified pair is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.comparison import exactly, figures_of, layout_mismatch, mismatch, off_by, same, worst, written_outputs
from harness.cpp.code_paths import SPECIALIZED, runs_specialized_code
from harness.jobs import BuildOptions, Job, JobResult, Status
from harness.launches import ACCUMULATED, COPIED, GENERIC, REUSED, SILENT, SPECIAL, STRIDED, WITHHELD, job, launches
from harness.oracle.accumulation import accumulated, starts
from harness.oracle.expectation import MIN_CHECKED, Cells, Expectation, InvalidProgram, expect
from harness.oracle.lanes import Values
from harness.sandbox import Sandbox
from harness.verdict import (
    Failure,
    FailureKind,
    Outcome,
    Verdict,
    failed,
    inconclusive,
    invalid,
)
from strategies.language.limits import replayed
from strategies.language.nodes import Program
from strategies.language.widen import widened
from strategies.ops import NoOverload

#: What a failure names as its launch, and a worker as its stage, if the CUDA text of a kernel does not compile.
CUDA_TEXT: Final = "cuda"
#: What a failure begins with that only guards around an array show.
AROUND: Final = "memory around the array"
#: What a failure of the second backward pass names as its launch.
AGAIN: Final = "again"

#: The referee clears a mismatch of up to this many times the tolerance: the noise that the tolerance comes from
#: underestimated the rounding inside adjoints by less than 10 times wherever that was looked into.
REFEREE_FACTOR: Final = 32.0
MISMATCHES: Final = (FailureKind.FORWARD_MISMATCH, FailureKind.BACKWARD_MISMATCH)

#: Level 0 builds in a quarter of the time, and shows what optimization hides: integer division by zero, endless loops.
FAST: Final = BuildOptions(optimization_level=0)

#: How a build that does not run to its end shows itself; one that does shows itself by its numbers.
STATUS_KINDS: Final = {
    Status.REJECTED: FailureKind.REJECTED,
    Status.BUILD_ERROR: FailureKind.BUILD_ERROR,
    Status.CRASH: FailureKind.CRASH,
    Status.HANG: FailureKind.HANG,
}


# ---------------------------------------------------------------- the specification


def judge(expectation: Expectation, result: JobResult) -> Verdict:
    """The verdict, from what a right build must give and what this one gave.

    A pair is verified when

    1. Warp builds the kernel, and it runs to its end;
    2. every output cell has the expected value, on generic and on special inputs, and among NaN and infinities
       where those have a meaning; cells that the kernel does not write keep what they held;
    3. inputs are unchanged, nothing around any buffer is touched, and a second launch gives the same bits;
    4. strided arrays give the bits that contiguous ones give;
    5. every input gradient agrees with finite differences on the reference, the cotangents of outputs are
       consumed where the kernel stored, and integers have no gradient; a step behind on the same tape hands cotangents
       on as they are, and a tape that is cleared gives the same gradients again; gradients are added to what is there,
       a second backward pass adds what cotangents are left, and an array without a gradient changes no other's;
    6. enough of the cells could be compared, and something depends on inputs;
    7. enough of the gradients could be compared, and some gradient is not zero.

    Outside a documented limit of Warp 5 and 7 fall away and the tier is `forward`.  So it is where there is nothing to
    differentiate, or every gradient is zero: 7 falls away, and what 5 says of the gradients that there are holds.
    """
    failure = forward_failure(expectation, result)
    if failure is None and not expectation.limits:
        failure = _gradients(expectation, result)
    if failure is not None:
        return failed(failure).because(
            inputs=inputs_of(expectation, failure.launch),
            cotangents=cotangents_of(expectation, failure.launch),
            inputs_seed=expectation.seed,
            compared=_compared(expectation)[0],
            cpp=result.cpp,
            cuda=result.cuda,
        )
    promise, (compared, vanished) = expectation.promise, _compared(expectation)
    if result.message:
        # it died in company, and ran to its end alone
        return inconclusive(result.message).because(compared=compared, vanished=vanished)
    if promise.tier is None:
        return inconclusive(promise.reason or "").because(compared=compared, vanished=vanished)
    return Verdict(
        outcome=Outcome.VERIFIED,
        tier=promise.tier,
        reason=promise.reason,
        figures=figures_of(expectation, result, promise.tier),
        inputs_seed=expectation.seed,
        devices=("cpu",),
        layouts=_layouts(expectation, result),
        compared=compared,
        cpp=result.cpp,
        cuda=result.cuda,
    )


def _compared(expectation: Expectation) -> tuple[dict[tuple[str, bool], float], frozenset[tuple[str, bool]]]:
    """The share that is compared of the arrays, and gradients, where a defect could have been seen.

    If nothing depends on inputs, those that must be all zeros stand apart: a build that does nothing has them too.
    """
    cells = [(name, False, of) for name, of in expectation.outputs.items()]
    if not expectation.limits:
        cells += [(name, True, of) for name, of in expectation.gradients.items()]
    told = {(name, gradient): of.share for name, gradient, of in cells if of.told_from_zero.any()}
    zeros = {(name, gradient): of.share for name, gradient, of in cells if of.share >= MIN_CHECKED}
    if expectation.alive or expectation.responds:
        return zeros | told, frozenset()
    return told, frozenset(zeros.keys() - told.keys())


def _layouts(expectation: Expectation, result: JobResult) -> tuple[str, ...]:
    """The layouts that were run, and whether the contiguous one had code of its own."""
    generic = launches(expectation)["generic"]
    special = runs_specialized_code(expectation.program, result.cpp or "", generic)
    return ("contiguous", "strided", *((SPECIALIZED,) if special else ()))


def forward_failure(expectation: Expectation, result: JobResult) -> Failure | None:
    """What is wrong with a build but for the gradients on contiguous arrays."""
    return (
        _built(result)
        or _memory(expectation, result)
        or _forward(expectation, result)
        or _repeatable(expectation, result)
        or _layout(expectation, result)
    )


def backward_failure(expectation: Expectation, result: JobResult) -> Failure | None:
    """What is wrong with a build but for the results of the forward pass."""
    return (
        _built(result)
        or _memory(expectation, result)
        or _repeatable(expectation, result)
        or _layout(expectation, result)
        or _gradients(expectation, result)
    )


def _built(result: JobResult) -> Failure | None:
    kind = STATUS_KINDS.get(result.status)
    launch = CUDA_TEXT if result.stage == CUDA_TEXT else "generic"
    return None if kind is None else Failure(kind, result.message, launch=launch)


def _memory(expectation: Expectation, result: JobResult) -> Failure | None:
    for name, launch in zip(launches(expectation), result.launches, strict=True):
        inputs = inputs_of(expectation, name)
        for parameter, array in zip(expectation.program.parameters, launch.arrays, strict=True):
            if array is None:
                continue
            problem = None
            if not array.canary_intact:
                problem = f"{AROUND}, or its gradient in the forward pass, was changed"
            elif not parameter.output and not same(array.data.ravel(), inputs[parameter.name].ravel()):
                problem = "an input array was changed"
            elif not array.intact_after_backward and parameter.name not in replayed(expectation.program):
                problem = "the backward pass changed the array's contents"
            if problem is not None:
                return Failure(FailureKind.MEMORY, problem, parameter.name, launch=name)
    return None


def inputs_of(expectation: Expectation, launch: str) -> dict[str, Values]:
    """What a launch is run on, by the name of the launch."""
    if launch == "nonfinite" and expectation.nonfinite is not None:
        return expectation.nonfinite.inputs
    return expectation.special_inputs if launch == "special" else expectation.inputs


def cotangents_of(expectation: Expectation, launch: str) -> dict[str, Values]:
    """What gradients hold before the backward pass of a launch, by its name: of outputs, and of inputs if it adds."""
    return {**expectation.cotangents, **(starts(expectation) if launch in (ACCUMULATED, AGAIN) else {})}


def _forward(expectation: Expectation, result: JobResult) -> Failure | None:
    wanted = {"generic": expectation.outputs, "special": expectation.special_outputs}
    if expectation.nonfinite is not None:
        wanted["nonfinite"] = expectation.nonfinite.outputs
    named = dict(zip(launches(expectation), result.launches, strict=True))
    for name, cells in wanted.items():
        for parameter, actual in written_outputs(expectation.program, named[name]):
            wrong = worst(cells[parameter.name], actual)
            if wrong is not None:
                return mismatch(FailureKind.FORWARD_MISMATCH, parameter, wrong, name)
    return None


def _repeatable(expectation: Expectation, result: JobResult) -> Failure | None:
    if result.launches[GENERIC].same_bits is False:
        return Failure(FailureKind.NONDETERMINISTIC, "the second launch gives other bits than the first")
    # outside of the limits an adjoint may read what nothing has set
    if result.launches[GENERIC].same_gradients is False and not expectation.limits:
        return Failure(FailureKind.NONDETERMINISTIC, "the second launch gives other gradients than the first")
    return None


def _layout(expectation: Expectation, result: JobResult) -> Failure | None:
    pairs = zip(
        expectation.program.parameters,
        result.launches[GENERIC].arrays,
        result.launches[STRIDED].arrays,
        strict=True,
    )
    for parameter, plain, strided in pairs:
        if plain is None or strided is None:
            continue
        failure = layout_mismatch(parameter, plain.data, strided.data, gradient=False)
        if failure is None and not expectation.limits and plain.gradient is not None and strided.gradient is not None:
            failure = layout_mismatch(parameter, plain.gradient, strided.gradient, gradient=True)
        if failure is not None:
            return failure
    return None


def _gradients(expectation: Expectation, result: JobResult) -> Failure | None:
    return (
        _backward(expectation, result)
        or _copied(expectation, result)
        or _accumulated(expectation, result)
        or _withheld(expectation, result)
    )


def _backward(expectation: Expectation, result: JobResult) -> Failure | None:
    wanted = {"generic": expectation.gradients}
    if expectation.nonfinite is not None:
        wanted["nonfinite"] = expectation.nonfinite.gradients
    named = dict(zip(launches(expectation), result.launches, strict=True))
    for name, gradients in wanted.items():
        for parameter, array in zip(expectation.program.parameters, named[name].arrays, strict=True):
            if array is None or array.gradient is None:
                continue
            cells = gradients[parameter.name]
            wrong = worst(cells, array.gradient.reshape(cells.expected.shape))
            if wrong is not None:
                return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, name)
    return None


def _copied(expectation: Expectation, result: JobResult) -> Failure | None:
    named = dict(zip(launches(expectation), result.launches, strict=True))
    if COPIED not in named:
        return None
    arrays = zip(expectation.program.parameters, named[COPIED].arrays, result.launches[GENERIC].arrays, strict=True)
    for parameter, found, plain in arrays:
        if found is None or plain is None or found.gradient is None or plain.gradient is None:
            continue
        wrong = worst(exactly(plain.gradient), found.gradient)
        if wrong is not None:
            return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, COPIED)
        if found.again is not None and (wrong := worst(exactly(plain.gradient), found.again)) is not None:
            return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, REUSED)
    return None


def _accumulated(expectation: Expectation, result: JobResult) -> Failure | None:
    named = dict(zip(launches(expectation), result.launches, strict=True))
    if ACCUMULATED not in named:
        return None
    once, twice = accumulated(expectation), accumulated(expectation, passes=2)
    for parameter, array in zip(expectation.program.parameters, named[ACCUMULATED].arrays, strict=True):
        if array is None or array.gradient is None or array.again is None:
            continue
        cells = once.get(parameter.name, expectation.gradients[parameter.name])
        wrong = worst(cells, array.gradient)
        if wrong is not None:
            return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, ACCUMULATED)
        if expectation.keeps_cotangents is None:
            continue
        if expectation.keeps_cotangents and parameter.name in twice:
            wrong = worst(twice[parameter.name], array.again)
        else:
            wrong = worst(exactly(array.gradient), array.again)
        if wrong is not None:
            return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, AGAIN)
    return None


def _withheld(expectation: Expectation, result: JobResult) -> Failure | None:
    named = dict(zip(launches(expectation), result.launches, strict=True))
    for name, launch in named.items():
        if not name.startswith(WITHHELD):
            continue
        like = named.get(SILENT + name.removeprefix(WITHHELD), result.launches[GENERIC])
        for parameter, found, plain in zip(expectation.program.parameters, launch.arrays, like.arrays, strict=True):
            if found is None or plain is None or found.gradient is None or plain.gradient is None:
                continue
            wrong = worst(exactly(plain.gradient), found.gradient)
            if wrong is not None:
                return mismatch(FailureKind.BACKWARD_MISMATCH, parameter, wrong, name)
    return None


# ---------------------------------------------------------------- running


def verify_all(
    programs: Sequence[Program],
    sandbox: Sandbox,
    seed: int = 0,
    options: BuildOptions = FAST,
    like: Program | None = None,
) -> list[Verdict]:
    """The verdicts on several programs, built together; `like` as for `try_expect`."""
    expectations = [try_expect(program, seed, like) for program in programs]
    results = sandbox.run(jobs(expectations), options)
    return settle(expectations, results, sandbox, options)


def jobs(expectations: Sequence[Expectation | Verdict]) -> list[Job]:
    """What the sandbox is asked to do for those programs that something is expected of."""
    return [
        job(expectation, f"{expectation.program.name}_{n}")
        for n, expectation in enumerate(expectations)
        if isinstance(expectation, Expectation)
    ]


def settle(
    expectations: Sequence[Expectation | Verdict],
    results: Sequence[JobResult],
    sandbox: Sandbox,
    options: BuildOptions = FAST,
) -> list[Verdict]:
    """The verdicts, from the results of `jobs`; the referee is asked where a mismatch may be rounding."""
    left = iter(results)
    judged: list[Verdict | _Appeal] = []
    for expectation in expectations:
        if isinstance(expectation, Expectation):
            result = next(left)
            judged.append(_appeal(expectation, result, judge(expectation, result)))
        else:
            judged.append(expectation)
    return _heard(judged, sandbox, options)


def refereed(
    expectation: Expectation, result: JobResult, verdict: Verdict, sandbox: Sandbox, options: BuildOptions
) -> Verdict:
    """`verdict`, unless it is a mismatch that the same program in float64 clears as rounding.

    A structural defect stays in float64, where rounding vanishes, and is large there.  A mismatch in one precision only
    is cleared when it is small, and is a failure all the same when it is not.  What is small does not stand for what is
    not: of both the larger is the failure, and a float64 program that fails elsewhere says nothing of rounding.
    """
    return _heard([_appeal(expectation, result, verdict)], sandbox, options)[0]


@dataclass(frozen=True)
class _Appeal:
    """A mismatch, of which the same program in float64 is to tell whether it is rounding."""

    verdict: Verdict
    failure: Failure
    #: the verdict but for small mismatches
    large: Verdict
    #: what the program in float64 must give
    twin: Expectation | Verdict


def _appeal(expectation: Expectation, result: JobResult, verdict: Verdict) -> Verdict | _Appeal:
    """`verdict`, or what the referee is to be asked before it holds."""
    failure = verdict.failure
    if failure is None or failure.kind not in MISMATCHES:
        return verdict
    large = judge(without_small_mismatches(expectation, result), result)
    if large.failure is not None:
        # what is compared of the program is told as it was: the small mismatches are a part of that
        verdict, failure = large.because(compared=verdict.compared), large.failure
        if failure.kind not in MISMATCHES:
            return verdict
    twin = widened(expectation.program)
    if twin is not expectation.program:
        return _Appeal(verdict, failure, large, try_expect(twin, expectation.seed))
    if large.failure is not None:
        return verdict.because(failure=replace(failure, referee="float64 itself"))
    return large if large.verified else inconclusive("a small mismatch in float64, beyond which there is nothing")


def _heard(judged: Sequence[Verdict | _Appeal], sandbox: Sandbox, options: BuildOptions) -> list[Verdict]:
    """The verdicts, after the programs in float64 of all appeals were run together."""
    twins = [case.twin for case in judged if isinstance(case, _Appeal)]
    results = iter(sandbox.run(jobs(twins), options))
    verdicts = []
    for case in judged:
        if isinstance(case, Verdict):
            verdicts.append(case)
        else:
            verdicts.append(_ruled(case, next(results) if isinstance(case.twin, Expectation) else None))
    return verdicts


def _ruled(case: _Appeal, ran: JobResult | None) -> Verdict:
    """The verdict, by what the program in float64 gave; None if there is none."""
    failure, large, twin = case.failure, case.large, None
    if ran is not None:
        assert isinstance(case.twin, Expectation)
        wanted = without_small_mismatches(case.twin, ran) if ran.status is Status.OK else case.twin
        twin = judge(wanted, ran)
    found = None if twin is None else twin.failure
    if found is not None and found.kind in MISMATCHES and (large.failure is not None or _in_one_place(found, failure)):
        return case.verdict.because(failure=replace(failure, referee="all precisions"))
    if large.failure is not None:
        return case.verdict.because(failure=replace(failure, referee="this precision only"))
    if twin is not None and not twin.verified:
        return inconclusive("a small mismatch, and the float64 program is not verified")
    # some built-ins exist in float32 alone: then nobody can tell rounding from a defect
    return large if large.verified else inconclusive("a small mismatch without a float64 program to compare")


def _in_one_place(one: Failure, other: Failure) -> bool:
    return (one.parameter, one.gradient) == (other.parameter, other.gradient)


def without_small_mismatches(expectation: Expectation, result: JobResult) -> Expectation:
    """`expectation` with the cells unchecked that are outside their tolerance, but not by much."""
    generic = result.launches[GENERIC]
    gradients, outputs = dict(expectation.gradients), dict(expectation.outputs)
    special = dict(expectation.special_outputs)
    names = [parameter.name for parameter in expectation.program.parameters]
    for parameter, array in zip(expectation.program.parameters, generic.arrays, strict=True):
        if array is not None and array.gradient is not None:
            gradients[parameter.name] = _relaxed(gradients[parameter.name], array.gradient)
    named = dict(zip(launches(expectation), result.launches, strict=True))
    if ACCUMULATED in named:
        # what a sum begins with is rounded at the size of contributions that cancel
        for passes in (1, 2):
            for name, sums in accumulated(expectation, passes).items():
                array = named[ACCUMULATED].arrays[names.index(name)]
                left = None if array is None else (array.gradient, array.again)[passes - 1]
                if left is not None:
                    small = _is_small(sums, left)
                    gradients[name] = replace(gradients[name], checked=gradients[name].checked & ~small)
    for cells, launch in ((outputs, generic), (special, result.launches[SPECIAL])):
        for parameter, actual in written_outputs(expectation.program, launch):
            cells[parameter.name] = _relaxed(cells[parameter.name], actual)
    nonfinite = expectation.nonfinite
    if nonfinite is not None:
        launched = named["nonfinite"]
        nonfinite = replace(
            nonfinite,
            outputs={
                p.name: _relaxed(nonfinite.outputs[p.name], v)
                for p, v in written_outputs(expectation.program, launched)
            },
            gradients={
                p.name: _relaxed(nonfinite.gradients[p.name], a.gradient)
                for p, a in zip(expectation.program.parameters, launched.arrays, strict=True)
                if a is not None and a.gradient is not None
            },
        )
    return replace(expectation, gradients=gradients, outputs=outputs, special_outputs=special, nonfinite=nonfinite)


def _relaxed(cells: Cells, actual: Values) -> Cells:
    return replace(cells, checked=cells.checked & ~_is_small(cells, actual))


def _is_small(cells: Cells, actual: Values) -> Values:
    """Where a result is outside of its tolerance, but not by much."""
    off = off_by(cells, actual.reshape(cells.expected.shape))
    small: Values = (off > cells.tolerance) & (off <= REFEREE_FACTOR * cells.tolerance)
    return small


def try_expect(program: Program, seed: int, like: Program | None = None) -> Expectation | Verdict:
    """The expectation, or why there is none; on the inputs of `like`, as `expect` says."""
    try:
        return expect(program, seed, like)
    except (InvalidProgram, NoOverload) as error:
        # some built-ins exist in float32 alone, and have no twin in float64
        return invalid(f"invalid program: {error}")


def verify(program: Program, *, seed: int = 0, sandbox: Sandbox | None = None) -> Verdict:
    """The verdict on `program`, run on inputs drawn from `seed`, in `sandbox` or in one of its own.

    Raises `harness.sandbox.SandboxError` if there is no Warp that can be used.
    """
    if sandbox is not None:
        return verify_all([program], sandbox, seed)[0]
    with Sandbox() as own:
        return verify_all([program], own, seed)[0]
