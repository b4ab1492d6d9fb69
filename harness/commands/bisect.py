"""`warpsmith bisect`: since which release of Warp does a stored failure fail?"""

from __future__ import annotations

import re
from typing import Annotated

import typer

from corpus.case import Case
from corpus.files import write_whole
from harness.commands.cases import Failures, folder_of, read_cases
from harness.commands.shared import BadUsage, Corpus, say
from harness.releases import Bisection, Seen, bisect, interpreter, is_installed, releases
from harness.reports.case_script import script_of
from harness.reports.report import README, with_releases
from harness.reports.script_run import run_repro
from harness.triage import LEDGER, UNKNOWN, Ledger


def bisect_command(
    failures: Failures,
    corpus: Corpus = None,
    only: Annotated[
        str | None,
        typer.Option("--releases", help="The releases to try, with commas between; all from 1.14 if left out."),
    ] = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Write the first version into the ledger where it is not known.")
    ] = False,
) -> int:
    """Find the first release of Warp that fails and the last that does not, and write it into the report.

    Runs the script of each failure, rendered from its syntax tree, in environments made by pip for a release each.
    """
    versions = [name for part in only.split(",") if (name := part.strip())] if only else releases()
    if not versions:
        raise BadUsage(f"--releases {only}: there is no release in it; 1.14.0,1.15.0 is how to name two")
    for name, case in zip(failures, read_cases(failures, corpus), strict=True):
        if not case.evidence.get("confirmed"):
            raise BadUsage(f"{case.bucket} has no script that shows the failure, so releases cannot be told apart")
        found = bisect(versions, lambda version, case=case: _shows(case, version))  # type: ignore[misc]
        print(f"{case.bucket}: {found.sentence}", flush=True)
        folder = folder_of(name, case, corpus)
        if (folder / README).is_file():
            text = (folder / README).read_text(encoding="utf-8")
            write_whole(folder / README, [with_releases(text, found.sentence).encode()])
        if ledger:
            _note(case, found)
    return 0


def _shows(case: Case, version: str) -> Seen:
    if not is_installed(version):
        say(f"installing Warp {version}, which takes a minute and 400 MB")
    ran = run_repro(script_of(case), interpreter(version))
    seen = Seen.FAILS if ran.fails else Seen.FIXED if ran.fixed else Seen.UNKNOWN
    last = ran.output.splitlines()[-1] if ran.output else ""
    say(f"{case.bucket} on {version}: {seen.value}" + (f" ({last})" if seen is Seen.UNKNOWN else ""))
    return seen


def _note(case: Case, found: Bisection) -> None:
    """Write the first version into the entry of the ledger that has none."""
    issue = Ledger.load().by_bucket(case.bucket)
    if issue is None or issue.versions.first != UNKNOWN or found.first_bad is None:
        return
    entry = re.compile(
        rf'(^id = "{re.escape(issue.id)}"$(?:(?!^\[\[)[\s\S])*?^versions = \{{ first = )"\?"', re.MULTILINE
    )
    text, count = entry.subn(lambda match: f'{match.group(1)}"{found.first_bad}"', LEDGER.read_text(encoding="utf-8"))
    if count == 1:
        write_whole(LEDGER, [text.encode()])
