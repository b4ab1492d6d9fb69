"""The script of a stored case, rendered anew: text from a file is never run as it stands."""

from __future__ import annotations

from corpus.case import Case
from harness.frontend.report import rejection_of, script
from harness.reports.reproduction import repro
from harness.reports.stored_case import shown


def script_of(case: Case) -> str:
    """A script of Warp and NumPy alone that ends with status 1 while the failure of `case` is there.

    Raises:
        DamagedCase: the text of a failure of the front end does more than define kernels and functions.
    """
    return script(rejection_of(case)) if case.source else repro(shown(case))
