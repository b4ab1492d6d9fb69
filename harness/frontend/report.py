"""What is stored of a failure of the front end: the case, a script of Warp alone, an issue's text, a test."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Final

from corpus.case import Case, DamagedCase
from corpus.record import Provenance
from corpus.store import Store
from harness.frontend.harmless import parsed
from harness.frontend.judge import INTERPRETER, Rejection, judge
from harness.frontend.texts import ENTRY
from harness.reports.report import NOT_BISECTED, README, SHOULD, Report, errors_alone
from harness.reports.reproduction import HANG_SECONDS
from harness.reports.script_run import REPRO, TEST, Ran, run_repro
from harness.sandbox import Sandbox
from harness.triage import NOT_REPORTED, KnownIssue
from harness.verdict import FailureKind
from strategies.language import types
from strategies.language.nodes import Assign, Element, Literal, Name, Parameter, Program, ThreadIndex

#: The kernel that a misreading is shown with, by its bucket: what it does with `seen[0]`, and what Python would leave
#: there.  What is found is an instance of one; the statement that shows it cannot be cut out of any text.
TYPICAL: Final = {
    "frontend-misread-dropped-else-of-for": ("for k in range(2):\n    pass\nelse:\n    seen[0] = 1.0", 1.0),
    "frontend-misread-dropped-else-of-while": ("while False:\n    pass\nelse:\n    seen[0] = 1.0", 1.0),
    "frontend-misread-inlined-functiondef": ("def inner():\n    seen[0] = 1.0", 0.0),
}
_HEAD: Final = f"import warp as wp\n\n\n@wp.kernel\ndef {ENTRY}(seen: wp.array(dtype=wp.float32)):\n"
#: What a case of the front end has for a program: it says nothing.
STUB: Final = Program(
    ENTRY,
    "elementwise",
    (1,),
    (Parameter("x", types.array(types.FLOAT32), 0.0, 1.0, (1,), True),),
    (
        ThreadIndex(("i",)),
        Assign(Element(types.FLOAT32, "x", (Name(types.INT32, "i"),)), Literal(types.FLOAT32, 0.0)),
    ),
)


def typical(found: Rejection, sandbox: Sandbox) -> Rejection:
    """A misreading in the kernel that shows it by what it computes; any other failure as it is."""
    if found.bucket not in TYPICAL:
        return found
    body, _ = TYPICAL[found.bucket]
    again = judge(_HEAD + textwrap.indent(body, "    ") + "\n", sandbox)
    return again if again is not None and again.bucket == found.bucket else found


def script(found: Rejection) -> str:
    """A script of Warp alone that ends with 1 while Warp fails so on the text, and with 0 once it does not."""
    lines = ["import sys", "import tempfile", "", "import warp as wp", "", _SETTINGS, _CACHE, "", "", *_kernel(found)]
    if found.kind in _DEADLY:
        lines += [
            'if "--build" in sys.argv:',
            f"    signal.alarm({HANG_SECONDS})",
            '    wp.load_module(device="cpu")',
            "    sys.exit(0)",
            'done = subprocess.run([sys.executable, __file__, "--build"]).returncode',
            'print(f"expected: the kernel is built, or refused with an error\\nactual: exit status {done}")',
            "sys.exit(0 if done in (0, 1) else 1)",
        ]
        return "\n".join(["import signal", "import subprocess", *lines]) + "\n"
    lines += ["try:", *(f"    {line}" for line in _steps(found)), "except Exception as error:"]
    lines += ['    said = f"{type(error).__name__}: {error}"']
    lines += [f'    print(f"expected: {_EXPECTED}\\nactual: {{said}}")', f"    sys.exit({_ending(found)})"]
    return "\n".join([*lines, *_after(found)]) + "\n"


_SETTINGS: Final = "wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since"
_CACHE: Final = "wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time"
_EXPECTED: Final = "an error that says what Warp does not support"
_DEADLY: Final = (FailureKind.CRASH, FailureKind.HANG)


def _kernel(found: Rejection) -> list[str]:
    tree = ast.parse(found.source)
    definitions = [ast.unparse(node) for node in tree.body if not isinstance(node, ast.Import)]
    return [line for text in definitions for line in (*text.split("\n"), "", "")]


def _steps(found: Rejection) -> list[str]:
    if _shown(found) is not None:
        launch = f'wp.launch({ENTRY}, dim=1, inputs=[seen], device="cpu")'
        return ['seen = wp.zeros(1, dtype=wp.float32, device="cpu")', launch]
    return ['wp.load_module(device="cpu")']


def _shown(found: Rejection) -> float | None:
    """What Python leaves in `seen[0]`, if the text is one that shows a misreading so."""
    return TYPICAL[found.bucket][1] if found.bucket in TYPICAL and "seen[0]" in found.source else None


def _after(found: Rejection) -> list[str]:
    """What follows where Warp accepts the text."""
    if found.kind is not FailureKind.MISREAD:
        return ['print("it is built")']
    if (right := _shown(found)) is not None:
        return [
            f"expected, actual = {right!r}, float(seen.numpy()[0])",
            'print(f"expected: {expected}, or an error; actual: {actual}")',
            "sys.exit(0 if actual == expected else 1)",
        ]
    return ['print("expected: an error; actual: it is built")', "sys.exit(1)"]


def _ending(found: Rejection) -> str:
    condition = _condition(found)
    return "0" if condition == "False" else f"int({condition})"


def _condition(found: Rejection) -> str:
    """The condition, on an exception that is called `error`, that it is the one that was found."""
    if found.kind is FailureKind.MISREAD:
        return "False"
    if found.kind is FailureKind.BUILD_ERROR:
        return '"build failed" in said'
    name, _, said = found.said.partition(": ")
    words = INTERPRETER.search(said)
    return f'type(error).__name__ == "{name}"' + (f' and "{words.group(0)}" in said' if words else "")


def regression(found: Rejection, name: str, title: str) -> str:
    """The text of a pytest file, of Warp alone, with one test, `name`, that fails while Warp fails so."""
    body = ["try:", *(f"    {line}" for line in _steps(found)), "except Exception as error:"]
    body += ['    said = f"{type(error).__name__}: {error}"', f"    assert not ({_condition(found)}), said"]
    if found.kind is FailureKind.MISREAD:
        shown = _shown(found)
        right = (
            'raise AssertionError("it is built")' if shown is None else f"assert float(seen.numpy()[0]) == {shown!r}"
        )
        body += ["else:", f"    {right}"]
    name = re.sub(r"\W", "_", name).lower()
    text = [f'"""{title}"""', "", "import warp as wp", "", "", *_kernel(found), f"def test_{name}():"]
    return "\n".join([*text, *(f"    {line}" for line in body)]) + "\n"


# ---------------------------------------------------------------- the folder


def readme(found: Rejection, text: str, ran: Ran, provenance: Provenance, known: KnownIssue | None) -> str:
    """The text of an issue for Warp's tracker."""
    said = errors_alone(found.said.strip())
    parts = [
        f"# {title_of(found, known)}",
        "",
        f"**What happens.** {found.kind.sentence}",
        "",
        "```",
        said,
        "```",
        "",
        f"**What should happen.** {SHOULD[found.kind]}",
        "",
        "## Reproduction",
        "",
        f"`{REPRO}` needs Warp only; it ends with status 1 while the defect is there, and with 0 once it is "
        f"fixed. `{TEST}` is the same as a test for pytest.",
        "",
        "In a fresh process:",
        "",
        "```",
        errors_alone(ran.output),
        "```",
        "",
        "```python",
        text.rstrip("\n"),
        "```",
        "",
        f"Versions: Warp {provenance.warp}, NumPy {provenance.numpy}. Device: cpu.",
        "",
        NOT_BISECTED,
        "",
    ]
    if known is not None:
        parts += [f"Known issue `{known.id}` ({known.issue}). Fixed when: {known.fixed_when}", ""]
    else:
        parts += [f"Warp's issue: {NOT_REPORTED}.", ""]
    return "\n".join(parts)


def title_of(found: Rejection, known: KnownIssue | None) -> str:
    """One line that says what is wrong."""
    if known is not None:
        return known.title
    about = found.bucket.removeprefix("frontend-").replace("-", " ")
    return f"{found.kind.sentence.rstrip('.')}: {about}"


def write_report(
    place: Store, found: Rejection, provenance: Provenance, known: KnownIssue | None, python: str
) -> Report:
    """Run the script of a failure, and store the failure in the folder of its bucket if the script shows it."""
    text = script(found)
    ran = run_repro(text, python)
    bucket = found.bucket if known is None else known.id
    folder = place.failure_folder(bucket)
    if not ran.fails:
        return Report(folder, False, ran.output, ran.fixed)
    case = Case(
        bucket=bucket,
        kind=found.kind.value,
        program=STUB,
        inputs={},
        cotangents={},
        layout="contiguous",
        options={},
        evidence={
            "message": found.said,
            "frontend": found.bucket,
            "confirmed": True,
            "known": None if known is None else known.id,
        },
        provenance=provenance,
        source=found.source,
    )
    files = {REPRO: text, README: readme(found, text, ran, provenance, known)}
    files[TEST] = regression(found, bucket, title_of(found, known))
    place.save_case(case, files)
    return Report(folder, True, ran.output)


def rejection_of(case: Case) -> Rejection:
    """The failure that a case of the front end was stored for.

    Raises:
        DamagedCase: its text does more than define kernels and functions, so it is given to nobody.
    """
    if parsed(case.source) is None:
        raise DamagedCase(f"case {case.bucket}: its text does more than define kernels and functions")
    said, bucket = str(case.evidence.get("message", "")), str(case.evidence.get("frontend", case.bucket))
    return Rejection(bucket, FailureKind(case.kind), case.source, said)
