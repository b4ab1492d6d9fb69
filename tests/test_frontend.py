"""What a hunt in the front end promises: internal exceptions are told from clear refusals, and shown by a script."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.case import DamagedCase
from corpus.store import Store
from harness.campaign.pairs import make_provenance
from harness.frontend import foreign, hunting
from harness.frontend.harmless import parsed
from harness.frontend.hunting import hunt
from harness.frontend.judge import Rejection, is_internal, judge
from harness.frontend.report import TYPICAL, rejection_of, script, typical, write_report
from harness.frontend.shrink import shrink, smaller_texts
from harness.frontend.texts import ENTRY, edited
from harness.reports.case_script import script_of
from harness.reports.script_run import run_repro
from harness.sandbox import Sandbox
from harness.triage import Ledger
from harness.verdict import FailureKind

BAD = """\
import warp as wp


@wp.kernel
def edited(x: wp.array(dtype=wp.float32)):
    i = wp.tid()
    x[i] = 2.0
    for k, j in range(3):
        x[i] = 1.0
"""
CLEAR = BAD.replace("for k, j in range(3)", "for k in not_defined")
FINE = BAD.replace("for k, j in", "for k in")
ELSE = FINE + "    else:\n        x[i] = 3.0\n"
EXITED = FINE.replace("    for", "    if i > 3:\n        return\n    for")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as found:
        yield found


def test_an_internal_exception_is_a_failure_with_its_place_and_a_script(sandbox: Sandbox, tmp_path: Path):
    found = judge(BAD, sandbox)
    assert found is not None
    assert (found.bucket, found.kind) == ("frontend-attributeerror-codegen-emit_for", FailureKind.INTERNAL)
    small = shrink(found, sandbox)
    assert small.bucket == found.bucket
    assert small.source == f"import warp as wp\n\n@wp.kernel\ndef {ENTRY}():\n    for k, j in range(3):\n        pass\n"
    with Store.open(tmp_path / "corpus", write=True) as store:
        report = write_report(store, small, make_provenance(sandbox.versions, 3, 4), None, sys.executable)
        (case,) = store.cases()
    assert report.confirmed
    text = (report.folder / "repro.py").read_text()
    assert len(text.splitlines()) <= 30
    assert script_of(case) == text
    assert {f.name for f in report.folder.iterdir()} == {"README.md", "case.json", "repro.py", "test_repro.py"}
    ast.parse((report.folder / "test_repro.py").read_text())


@pytest.mark.parametrize("source", [FINE, CLEAR, EXITED], ids=["fine", "refused clearly", "with an exit"])
def test_what_warp_builds_or_refuses_clearly_is_no_failure(source: str, sandbox: Sandbox):
    assert judge(source, sandbox) is None


def test_a_failure_that_its_script_does_not_show_is_not_stored(sandbox: Sandbox, tmp_path: Path):
    made_up = Rejection("frontend-keyerror-nowhere", FailureKind.INTERNAL, FINE, "KeyError: 'nothing'")
    with Store.open(tmp_path / "corpus", write=True) as store:
        report = write_report(store, made_up, make_provenance(sandbox.versions, 3, 4), None, sys.executable)
        assert not report.confirmed
        assert list(store.cases()) == []


def test_what_is_left_out_without_a_word_is_a_misreading_and_its_script_says_so(sandbox: Sandbox):
    found = judge(ELSE, sandbox)
    assert found is not None
    assert (found.bucket, found.kind) == ("frontend-misread-dropped-else-of-for", FailureKind.MISREAD)
    shown = typical(found, sandbox)
    assert shown.source != found.source
    ran = run_repro(script(shown))
    assert ran.fails
    assert "expected: 1.0, or an error; actual: 0.0" in ran.output


def test_a_definition_that_nothing_calls_and_that_warp_runs_is_a_misreading(sandbox: Sandbox):
    found = judge(FINE + "\n    def inner():\n        x[i] = 7.0\n", sandbox)
    assert found is not None
    assert found.bucket in TYPICAL
    assert "inlined" in found.bucket


def test_where_warp_does_not_look_nothing_is_misread(sandbox: Sandbox):
    assert judge(FINE + "    if False:\n        import math\n", sandbox) is None


@pytest.mark.parametrize(
    ("name", "said", "internal"),
    [
        ("KeyError", "Error while parsing function \"f\" at f.py:3:\n x\n;<class '_ast.In'>", True),
        ("KeyError", 'Error while parsing function "f" at f.py:3:\n x\n;Referencing undefined symbol: q', False),
        (
            "AttributeError",
            "Error while parsing function \"f\" at f.py:3:\n x\n;'Var' object has no attribute 'id'",
            True,
        ),
        (
            "AttributeError",
            "Error while parsing function \"f\" at f.py:3:\n x\n;module 'warp' has no attribute 'q'",
            False,
        ),
        ("TypeError", "Error while parsing function \"f\" at f.py:3:\n x\n;object of type 'Var' has no len()", True),
        ("TypeError", 'Error while parsing function "f" at f.py:3:\n x\n;range() takes whole numbers', False),
        ("WarpCodegenError", "'Var' object has no attribute 'id'", False),
    ],
)
def test_warps_own_words_are_told_from_the_interpreters(name: str, said: str, internal: bool):
    assert is_internal(name, said) == internal


@pytest.mark.parametrize(
    "change",
    [
        ("    i = wp.tid()", "    i = wp.static(1)"),
        ("    i = wp.tid()", "    i = wp._src.builtins.static(1)"),
        ("x: wp.array(dtype=wp.float32)", "x: print(1)"),
        ("x: wp.array(dtype=wp.float32)", "x: 'print(1)'"),
        ("x: wp.array(dtype=wp.float32)", "x: wp.float32 = print(1)"),
        ("x: wp.array(dtype=wp.float32)", "x: wp.config.get(1)"),
        ("@wp.kernel", "@print"),
        ("@wp.kernel", "import os\n\n\n@wp.kernel"),
        ("@wp.kernel", "print(1)\n\n\n@wp.kernel"),
        ("@wp.kernel", "a = wp.array(print(1))\n\n\n@wp.kernel"),
        ("@wp.kernel", "@wp.struct\nclass S(print(1)):\n    a: wp.int32\n\n\n@wp.kernel"),
    ],
)
def test_what_would_run_outside_of_a_body_is_given_to_nobody(change: tuple[str, str], sandbox: Sandbox):
    text = FINE.replace(*change)
    assert text != FINE
    ast.parse(text)
    assert parsed(text) is None
    with pytest.raises(ValueError, match="does more than define"):
        judge(text, sandbox)


def test_a_stored_text_that_does_more_than_define_is_run_by_nobody(sandbox: Sandbox, tmp_path: Path):
    import msgspec

    found = judge(BAD, sandbox)
    assert found is not None
    with Store.open(tmp_path / "corpus", write=True) as store:
        write_report(store, found, make_provenance(sandbox.versions, 3, 4), None, sys.executable)
        (case,) = store.cases()
    assert rejection_of(case) == found
    with pytest.raises(DamagedCase, match="does more than define"):
        script_of(msgspec.structs.replace(case, source=BAD.replace("@wp.kernel", "@print")))


def test_texts_depend_on_their_number_alone_and_are_harmless():
    first = [edited(3, n) for n in range(30)]
    assert first[20:] == [edited(3, n) for n in range(20, 30)]
    texts = [text for text in first if text is not None]
    assert len(set(texts)) == len(texts) >= 20
    assert all(parsed(text) is not None for text in texts)
    assert any("def helper(" in text for text in texts)


def test_every_smaller_text_is_smaller_and_harmless():
    texts = [text for _, text in smaller_texts(BAD)]
    assert len(texts) > 10
    count = sum(1 for _ in ast.walk(ast.parse(BAD)))
    for text in texts:
        tree = parsed(text)
        assert tree is not None
        assert sum(1 for _ in ast.walk(tree)) < count


def test_hypothesmith_draws_statements_about_names_that_are_there():
    import random

    pytest.importorskip("hypothesmith")
    assert foreign.available()
    drawn = [foreign.pieces(f"{n}", ["x", "y"], random.Random(n)) for n in range(15)]
    again = [foreign.pieces(f"{n}", ["x", "y"], random.Random(n)) for n in range(10, 15)]
    assert [[ast.dump(s) for s in one] for one in drawn[10:]] == [[ast.dump(s) for s in one] for one in again]
    nodes = [node for one in drawn for statement in one for node in ast.walk(statement)]
    assert len({type(node) for node in nodes}) > 15
    assert {node.id for node in nodes if isinstance(node, ast.Name)} <= {"x", "y"}


def test_known_ways_do_not_fail_a_hunt_and_a_new_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    texts = [BAD, FINE, ELSE, CLEAR, BAD]
    monkeypatch.setattr(hunting, "edited", lambda seed, index: texts[index])
    known = hunt(tmp_path / "corpus", 0, 60.0, sys.executable, said.append, count=len(texts))
    assert {bucket: (met.known, met.hits) for bucket, met in known.met.items()} == {
        "frontend-attributeerror-codegen-emit_for": ("loop-target-no-name", 2),
        "frontend-misread-dropped-else-of-for": ("loop-else-dropped", 1),
    }
    assert known.new == []
    assert not list((tmp_path / "corpus").glob("failures/*"))
    monkeypatch.setattr(Ledger, "load", lambda: Ledger(()))
    new = hunt(tmp_path / "corpus", 0, 60.0, sys.executable, said.append, count=3, fail_fast=True)
    assert new.texts == 1
    assert new.new == ["frontend-attributeerror-codegen-emit_for"]
    assert (tmp_path / "corpus" / "failures" / new.new[0] / "repro.py").is_file()
