"""A report that is cut off half-way is not there, so that the next run writes it; and a full disk is a sentence."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stores import case, contents, record

from corpus.record import CorpusError
from corpus.store import Store
from harness.frontend.judge import Rejection
from harness.frontend.report import write_report
from harness.reports.report import Draft, store_report
from harness.reports.script_run import Ran
from harness.verdict import FailureKind

RAN = Ran(1, "expected: 1\nactual: 2")
FOUND = Rejection("frontend-keyerror-nowhere", FailureKind.INTERNAL, "import warp as wp\n", "KeyError: 'nothing'")


def of_a_kernel(store: Store) -> None:
    store_report(store, Draft(case("bug"), {"repro.py": "pass", "README.md": "# A bug"}, RAN, unreproduced=False))


def of_the_front_end(store: Store) -> None:
    write_report(store, FOUND, record(0).provenance, None, sys.executable)


def unreproduced(store: Store) -> None:
    store_report(store, Draft(case("bug"), {"repro.py": "pass", "README.md": "# A bug"}, RAN, unreproduced=True))


@pytest.mark.parametrize("write", [of_a_kernel, of_the_front_end, unreproduced])
def test_a_report_that_was_cut_off_has_no_case_and_is_written_by_the_next_run(
    write: Callable[[Store], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.frontend.report.run_repro", lambda *_: RAN)
    with Store.open(tmp_path / "whole", write=True) as store:
        write(store)
    whole = contents(tmp_path / "whole")
    assert {name.rpartition("/")[2] for name in whole} >= {"case.json", "README.md", "repro.py"}
    replace = os.replace
    for count in range(len(whole)):
        path, left = tmp_path / str(count), count

        def full(*arguments: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(*arguments)

        with monkeypatch.context() as patch, Store.open(path, write=True) as store:
            patch.setattr(os, "replace", full)
            with pytest.raises(CorpusError, match="there is no room left to write to"):
                write(store)
        assert len(contents(path)) == count
        assert not list(path.glob("*/*/case.json"))
        with Store.open(path, write=True) as store:
            write(store)
        assert contents(path) == whole


def test_a_folder_of_reports_that_is_full_is_named(tmp_path: Path) -> None:
    (tmp_path / "bug").write_text("a file where the folder should be")
    with pytest.raises(CorpusError, match="is a file, or lies below one"):
        store_report(tmp_path, Draft(case("bug"), {}, RAN, unreproduced=False))
