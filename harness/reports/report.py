"""What is stored of a reduced failure: the case, a script that needs only Warp, an issue's text, a test.

The script is run in a fresh process before it is stored, and whether it showed the failure is recorded: one
that does not is worth less, and says so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from corpus.case import UNREPRODUCED, Case
from corpus.files import explained
from corpus.record import Provenance
from corpus.store import Store, write_case
from harness.cpp.generated_code import GeneratedCodeError, backward_text, forward_text
from harness.reports.launch_text import Shown
from harness.reports.reproduction import regression, repro
from harness.reports.script_run import REPRO, TEST, Ran, run_repro
from harness.reports.stored_case import level_of, make_case
from harness.reports.suspects import suspects
from harness.shrink import Reduced
from harness.triage import NOT_REPORTED, KnownIssue
from harness.verdict import Failure, FailureKind
from strategies.language.nodes import Apply, Atomic, Program, walk
from strategies.ops import OPS

README: Final = "README.md"

#: Where the interesting part of a generated function begins.
_SECTIONS: Final = {"forward": "    //---------\n    // forward\n", "backward": "    //---------\n    // reverse\n"}
#: Lines of generated code that a reader can take in, and how many of them may precede the first marked one.
MAX_CODE_LINES: Final = 60
LINES_BEFORE: Final = 12
#: Behind a line of generated code that the failure points at, and the column where it stands.
MARK: Final = "// <---"
MARK_COLUMN: Final = 88
#: An error of a C++ compiler, what it says besides, and the lines that follow an error: the code, a pointer at it.
_COMPILER_ERROR: Final = re.compile(r":\d+:\d+: (?:fatal )?error: ")
_COMPILER_NOTE: Final = re.compile(r":\d+:\d+: note: |^\s*\d* \| |^\[…\]|retrying without precompiled")
QUOTED_LINES: Final = 2
#: What a report says of releases until they have been tried.
SINCE: Final = "Releases:"
NOT_BISECTED: Final = f"{SINCE} the versions before were not tried."


@dataclass(frozen=True)
class Report:
    """What was written: the folder, and whether the script shows the failure by itself, with what it said.

    `unreproduced` says that it ran to its end and showed the right result: then the folder lies in `UNREPRODUCED`.
    """

    folder: Path
    confirmed: bool
    output: str
    unreproduced: bool = False


@dataclass(frozen=True)
class Draft:
    """A report that is ready to be stored: the case, the other files by their names, and what its script showed."""

    case: Case
    files: Mapping[str, str]
    ran: Ran
    unreproduced: bool


# ---------------------------------------------------------------- the issue


SHOULD: Final = {
    FailureKind.REJECTED: "Every construct in the kernel is documented as supported, so it should compile.",
    FailureKind.BUILD_ERROR: "A kernel that Warp accepts should become code that compiles.",
    FailureKind.CRASH: "The kernel does nothing undefined: indices are in range and no divisor is zero.",
    FailureKind.HANG: "Every loop of the kernel ends.",
    FailureKind.FORWARD_MISMATCH: (
        "The expected value is that of the operations' documentation, in the kernel's own precision."
    ),
    FailureKind.BACKWARD_MISMATCH: (
        "The gradient of a sum of the outputs, weighted with the gradients fed back, is a derivative; the expected "
        "value is that of finite differences in double precision. The kernel is within the documented "
        "limits of differentiability."
    ),
    FailureKind.MEMORY: "A kernel should change nothing but the array cells that it stores to.",
    FailureKind.LAYOUT_MISMATCH: (
        "Strides say where elements lie, not what they are: the results should agree to the bit."
    ),
    FailureKind.OPTION_MISMATCH: "The option should not change results.",
    FailureKind.METAMORPHIC_MISMATCH: "The two spellings mean the same, so the results should agree.",
    FailureKind.STALE_BINARY: (
        "Warp looks a binary up by a hash of the module, so what changes the generated code should change the hash."
    ),
    FailureKind.TAPE_MISMATCH: (
        "What is done with arguments after a launch should not change the gradients of that launch."
    ),
    FailureKind.REDEFINITION_MISMATCH: (
        "A name stands for its last definition: what another was before should have no part in it."
    ),
    FailureKind.NONDETERMINISTIC: (
        "No two threads write one cell in an order that matters, so two launches should agree to the bit."
    ),
    FailureKind.INTERNAL: "An error of Warp's own should say which part of the kernel is not supported.",
    FailureKind.MISREAD: "What Warp does not translate as Python means it, it should refuse.",
}


def readme(
    reduced: Reduced,
    bucket: str,
    provenance: Provenance,
    script: str,
    ran: Ran,
    known: KnownIssue | None,
    device: str,
) -> str:
    """The text of an issue for Warp's tracker."""
    program, failure = reduced.program, reduced.verdict.failure
    assert failure is not None
    parts = [
        f"# {_title(failure, bucket, known)}",
        "",
        f"**What happens.** {failure.kind.sentence} {_numbers(failure)}".rstrip(),
        "",
    ]
    if failure.expected is None and failure.message:
        parts += ["```", errors_alone(failure.message.strip()), "```", ""]
    parts += [f"**What should happen.** {SHOULD[failure.kind]}"]
    parts += [f"- {line}" for line in _documented(program, failure)]
    parts += [
        "",
        "## Reproduction",
        "",
        f"`{REPRO}` needs Warp and NumPy only; it ends with status 1 while the defect is there, and with 0 once it is "
        f"fixed. `{TEST}` is the same as a test for pytest.",
        "",
    ]
    if ran.fails:
        parts += ["In a fresh process:", ""]
    else:
        said = f"**In a fresh process it {ran.ending}: the failure was not reproduced by this script alone.** It said:"
        parts += [said, ""]
    parts += ["```", errors_alone(ran.output), "```", "", "```python", script.rstrip("\n"), "```", ""]
    parts += [f"Versions: Warp {provenance.warp}, NumPy {provenance.numpy}. Device: {device}. {_levels(reduced)}", ""]
    parts += [NOT_BISECTED, ""]
    if reduced.stopped is not None:
        parts += [f"Reducing was stopped early: {reduced.stopped}.", ""]
    if known is not None:
        parts += [f"Known issue `{known.id}` ({known.issue}). Fixed when: {known.fixed_when}", ""]
    else:
        parts += [f"Warp's issue: {NOT_REPORTED}.", ""]
    if (code := _code(reduced)) is not None:
        direction, text = code
        parts += [f"## The generated {direction} function", ""]
        if MARK in text:
            parts += [f"Lines that stem from what could not be taken away are marked `{MARK}`.", ""]
        parts += ["```cpp", text, "```", ""]
    return "\n".join(parts)


def with_releases(text: str, sentence: str) -> str:
    """A report that says of releases what was found out since."""
    return re.sub(rf"^{SINCE}.*$", lambda _: f"{SINCE} {sentence}", text, count=1, flags=re.MULTILINE)


def errors_alone(text: str) -> str:
    """What was printed, of a compiler's words only the errors, each once with the code that it quotes.

    Of one ambiguous call a compiler prints dozens of candidates, and Warp has everything compiled twice.
    """
    lines = text.split("\n")
    errors = [n for n, line in enumerate(lines) if _COMPILER_ERROR.search(line)]
    if not errors:
        return text
    said = [line for line in lines[: errors[0]] if not _COMPILER_NOTE.search(line)]
    blocks = dict.fromkeys((_in_its_file(lines[n]), *lines[n + 1 : n + 1 + QUOTED_LINES]) for n in errors)
    return "\n".join([*said, *(line for block in blocks for line in block)])


def _in_its_file(line: str) -> str:
    """A compiler's line without the folders and hashes of its file."""
    return re.sub(r"^\S+\.cpp:\d+:\d+:", "module.cpp:", line)


def _title(failure: Failure, bucket: str, known: KnownIssue | None) -> str:
    if known is not None:
        return known.title
    about = bucket.removeprefix(failure.kind.value).strip("-").replace("-", " ")
    sentence = failure.kind.sentence.rstrip(".")
    return f"{sentence}: {about}" if about else sentence


def _numbers(failure: Failure) -> str:
    if failure.expected is None:
        return ""
    what = f"The gradient of `{failure.parameter}`" if failure.gradient else f"`{failure.parameter}`"
    tolerance = f" (tolerance {failure.tolerance:.3g})" if failure.tolerance else ""
    return f"{what} is {failure.actual!r} where {failure.expected!r} is expected{tolerance}."


def _documented(program: Program, failure: Failure) -> Iterable[str]:
    """What Warp's documentation says of the built-ins that are left."""
    for op in sorted({node.op for node in walk(program) if isinstance(node, Apply | Atomic)}):
        row = OPS.get(op)
        if row is None:
            continue
        differentiable = "documented as differentiable" if row.differentiable else "not documented as differentiable"
        aside = f", {differentiable}" if failure.gradient else ""
        yield f"`{op}` ({row.group}){aside}."


def _levels(reduced: Reduced) -> str:
    if reduced.verdict.failure is not None and reduced.verdict.failure.variant:
        return "Both ways were built at optimization level 0."
    match reduced.fails_without_optimization, reduced.fails_by_default:
        case True, True:
            return "It fails at optimization level 0 and at the default level."
        case True, False:
            return "It fails at optimization level 0 and not at the default level."
        case False, True:
            return "It fails at the default optimization level and not at level 0."
    return "Built alone, in a fresh process, the kernel does not fail."


def _code(reduced: Reduced) -> tuple[str, str] | None:
    failure, cpp = reduced.verdict.failure, reduced.verdict.cpp
    if cpp is None or failure is None:
        return None
    direction = "backward" if failure.gradient else "forward"
    try:
        text = backward_text(cpp) if failure.gradient else forward_text(cpp)
    except GeneratedCodeError:
        return None
    if text is None:
        return None
    # what comes before is declarations; comments quote the Python line before the code of each
    head, section, body = text.partition(_SECTIONS[direction])
    text = (section + body if section else head).strip("\n")
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#line")]
    return direction, "\n".join(_marked(lines, suspects(reduced.program, failure, lines)))


def _marked(lines: Sequence[str], suspected: frozenset[int]) -> list[str]:
    """Lines of code with marks behind those that are suspected; of many, those around the first of these."""
    marked = [f"{line:<{MARK_COLUMN}} {MARK}" if n in suspected else line for n, line in enumerate(lines)]
    if len(marked) <= MAX_CODE_LINES:
        return marked
    start = max(0, min(suspected, default=0) - LINES_BEFORE)
    shown = marked[start : start + MAX_CODE_LINES]
    return [*(["// …"] if start else []), *shown, *(["// …"] if start + MAX_CODE_LINES < len(marked) else [])]


# ---------------------------------------------------------------- the folder


def draft(
    reduced: Reduced,
    bucket: str,
    provenance: Provenance,
    known: KnownIssue | None,
    *,
    python: str,
    device: str = "cpu",
) -> Draft:
    """The report of a reduced failure, whose script is run for it.

    A script that shows the right result at Warp's default level is tried at level 0, if the failure is there.

    Args:
        reduced: the failure.
        bucket: its bucket.
        provenance: where it came from.
        known: the issue that explains it, if one does.
        python: the interpreter whose Warp has the failure: the script is run with it.
        device: where the failure was seen, for the reader.
    """
    verdict, failure = reduced.verdict, reduced.verdict.failure
    assert failure is not None
    tried = [reduced]
    if reduced.fails_without_optimization and reduced.fails_by_default and device == "cpu":
        tried.append(replace(reduced, fails_by_default=False))
    for reduced in tried:
        shown = Shown(reduced.program, failure, verdict.inputs, verdict.cotangents, level_of(reduced))
        script = repro(shown)
        ran = run_repro(script, python)
        if not ran.fixed:
            break
    case = make_case(reduced, bucket, provenance, confirmed=ran.fails, known=None if known is None else known.id)
    files = {
        REPRO: script,
        README: readme(reduced, bucket, provenance, script, ran, known, device),
        TEST: regression(shown, bucket, _title(failure, bucket, known)),
    }
    # a script runs on the CPU alone
    return Draft(case, files, ran, unreproduced=ran.fixed and device == "cpu")


def store_report(place: Store | Path, ready: Draft) -> Report:
    """Store a report in the folder of its bucket, over an earlier one.

    A failure whose script shows the right result is unreproduced, and no finding: it is stored apart, with the reason.
    `place` is a store that is open for writing, or the folder in which the bucket's folder is made.

    Raises `CorpusError` if it cannot be written.
    """
    if isinstance(place, Store):
        folder = place.save_case(ready.case, ready.files, unreproduced=ready.unreproduced)
    else:
        folder = place / (UNREPRODUCED if ready.unreproduced else "") / ready.case.bucket
        with explained(place):
            write_case(folder, ready.case, ready.files)
    return Report(folder, ready.ran.fails, ready.ran.output, ready.unreproduced)


def write_report(
    place: Store | Path,
    reduced: Reduced,
    bucket: str,
    provenance: Provenance,
    known: KnownIssue | None = None,
    *,
    python: str = sys.executable,
) -> Report:
    """`draft` a report and store it in `place`, see `store_report`."""
    return store_report(place, draft(reduced, bucket, provenance, known, python=python))
