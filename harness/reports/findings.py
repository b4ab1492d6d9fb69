"""The table of defects that were found, out of the ledger.

``python -m harness.reports.findings`` writes `docs/findings.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.triage import UNKNOWN, KnownIssue, Ledger
from harness.verdict import FailureKind
from harness.worker.imported import OLDEST_WARP

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "findings.md"

HEAD: Final = """\
# Defects of Warp that were found

Each was found by a campaign (those of the front end by `warpsmith hunt --frontend`), reduced by the reducer, and is
shown by a script of Warp and NumPy alone, which ends with status 1 while the defect is there. `python -m
harness.reports.findings` writes this page out of the ledger (`harness/known_issues.toml`); `warpsmith bisect` finds
the first release.

| what | since | severity | script | Warp's issue |
|---|---|---|---|---|
"""
TAIL: Final = """
A case of each is made with `warpsmith hunt --keep-known --corpus corpus`, with `--frontend` too for those of the front
end, which saves one reduced failure of every known issue that it meets and that has none.
"""

#: How bad a kind of failure is for the one who meets it, the worst first.
SEVERITY: Final = {
    FailureKind.FORWARD_MISMATCH: "silent wrong result",
    FailureKind.STALE_BINARY: "silent run of an old binary",
    FailureKind.MISREAD: "silent wrong meaning",
    FailureKind.MEMORY: "memory",
    FailureKind.BACKWARD_MISMATCH: "wrong gradient",
    FailureKind.TAPE_MISMATCH: "wrong gradient, or none",
    FailureKind.REDEFINITION_MISMATCH: "an old definition is built",
    FailureKind.CRASH: "crash",
    FailureKind.HANG: "hang",
    FailureKind.BUILD_ERROR: "rejection",
    FailureKind.REJECTED: "rejection",
    FailureKind.LAYOUT_MISMATCH: "depends on strides",
    FailureKind.NONDETERMINISTIC: "differs from run to run",
    FailureKind.OPTION_MISMATCH: "depends on an option",
    FailureKind.METAMORPHIC_MISMATCH: "depends on the spelling",
    FailureKind.INTERNAL: "internal exception instead of an error message",
}


def row(issue: KnownIssue) -> str:
    """The line of one issue."""
    severity = ", ".join(dict.fromkeys(words for kind, words in SEVERITY.items() if kind in issue.kinds))
    oldest = ".".join(map(str, OLDEST_WARP))
    first = issue.versions.first
    since = "not bisected" if first == UNKNOWN else f"{first} or before" if first.startswith(oldest) else first
    script = f"[{issue.id}](../{issue.script})" if issue.script else f"none: {issue.no_case}"
    title = issue.title.replace("|", "\\|")
    return f"| {title} | {since} | {severity} | {script} | {issue.issue} |"


def page(ledger: Ledger) -> str:
    """The whole page."""
    return HEAD + "\n".join(map(row, ledger.issues)) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(Ledger.load()), encoding="utf-8")
