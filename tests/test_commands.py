"""What the command promises: exit statuses, one sentence for what a person can put right, JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from rich.console import Console

from corpus.case import FAILURES, plain_json
from corpus.record import Provenance, Record, decode_record, encode_record, make_record
from corpus.shards import VERIFIED
from corpus.store import Store
from harness.commands import run
from harness.commands.rebuild import rebuild
from harness.commands.recheck import Recheck, recheck
from harness.commands.replay import _same_face
from harness.commands.stats import stats
from harness.commands.verify import verify
from harness.oracle.inputs import Flavour, derive
from harness.reports.stored_case import make_case
from harness.shrink import Reduced
from harness.verdict import Failure, FailureKind, failed
from strategies import draw

COUNT: Final = 6
PROMISED: Final = {
    "verified",
    "forward_only",
    "inconclusive",
    "discarded",
    "duplicates",
    "failures",
    "known",
    "seconds",
    "stop_reason",
    "draws",
    "rates",
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands") / "corpus"
    options = ["--count", str(COUNT), "--seed", "3", "--workers", "1", "-c", "elementwise", "-c", "unary"]
    # A new failure would be no fault of the command.
    assert run(["grow", *options, "--corpus", str(path)]) in (0, 1)
    return path


@pytest.fixture
def copy(grown: Path, tmp_path: Path) -> Path:
    """A corpus that a test may damage."""
    shutil.copytree(grown, tmp_path / "copy")
    return tmp_path / "copy"


def change(corpus: Path, **changes: Any) -> Record:
    """Replace fields of the first record of a corpus."""
    file = corpus / VERIFIED / "elementwise.jsonl"
    first, *rest = file.read_bytes().splitlines(keepends=True)
    record = msgspec.structs.replace(decode_record(first), **changes)
    file.write_bytes(b"".join([encode_record(record) + b"\n", *rest]))
    (corpus / "campaigns.jsonl").unlink()
    return record


def complaint(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence that bad usage is answered with."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 2
    # on a slow machine a line of progress may come first
    said = "".join(line for line in capsys.readouterr().err.splitlines(True) if not line.startswith("verified "))
    assert said.startswith("warpsmith: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


# ---------------------------------------------------------------- bad usage


@pytest.mark.parametrize("command", ["grow", "hunt"])
def test_an_unknown_category_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, command, "--category", "poetry", "--corpus", tmp_path / "new")
    assert "poetry" in said
    assert "elementwise" in said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "options", [("--count", "-1"), ("--seconds", "-1"), ("--seed", "-1"), ("--workers", "0"), ("--count", "many")]
)
def test_a_number_out_of_range_is_refused(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert options[0] in complaint(capsys, "grow", *options)


def test_what_the_front_end_does_not_heed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--category", "loop", "--workers", "1", "--check-cuda", "--corpus", tmp_path / "new")
    said = complaint(capsys, "hunt", "--frontend", *options)
    assert "beside --frontend: --category, --workers, --check-cuda" in said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [("poem",), ("grow", "--rhyme")])
def test_what_is_no_command_or_option_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert words[-1] in complaint(capsys, *words)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert "file" in complaint(capsys, "grow", "--count", "1", "--corpus", tmp_path / "file" / "corpus")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_busy_corpus_is_refused(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(grown, write=True):
        assert "another campaign" in complaint(capsys, "grow", "--count", "1", "--corpus", grown)


@pytest.mark.parametrize("command", [("grow", "--corpus"), ("stats", "--corpus"), ("verify",), ("rebuild",)])
def test_a_damaged_corpus_is_refused_and_left_as_it_is(
    copy: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    file = copy / VERIFIED / "unary.jsonl"
    first, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([first[:100] + b"\n", *rest]))
    damaged = file.read_bytes()
    complaint(capsys, *command, copy)
    assert file.read_bytes() == damaged


def test_source_that_differs_from_its_tree_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(copy, python="import os")
    assert "damaged" in complaint(capsys, "verify", copy)


def test_a_warp_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "warp.py").write_text("__version__ = '1.10.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said = complaint(capsys, "grow", "--count", "1", "--workers", "1", "--corpus", tmp_path / "corpus")
    assert "1.10.0" in said
    assert "too old" in said


def test_a_corpus_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("verify",), ("rebuild",), ("stats", "--corpus"), ("show", "00", "--corpus")):
        assert "no corpus" in complaint(capsys, *command, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "command", [("verify",), ("rebuild",), ("merge",), ("stats", "--corpus"), ("replay", "--corpus")]
)
def test_a_folder_that_is_no_corpus_is_refused_and_left_as_it_is(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert f"{tmp_path} is no corpus" in complaint(capsys, *command, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "command", [("stats", "--corpus"), ("show", "00", "--corpus"), ("merge",), ("grow", "--corpus")]
)
def test_what_is_damaged_is_named_with_its_corpus(
    command: tuple[str, ...], copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = copy / VERIFIED / "elementwise.jsonl"
    file.write_bytes(b"damage\n" + file.read_bytes())
    assert f"{file}, line 1: " in complaint(capsys, *command, copy)


def test_a_case_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FAILURES).mkdir()
    assert "no-such" in complaint(capsys, "replay", "no-such", "--corpus", tmp_path)
    assert "is no corpus" in complaint(capsys, "stats", "--corpus", tmp_path / FAILURES)


# ---------------------------------------------------------------- the program itself breaks


def test_what_should_not_happen_is_confessed(
    grown: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(records: object) -> None:
        raise RuntimeError("a bolt came loose")

    monkeypatch.setattr(sys.modules[stats.__module__], "summarise", broken)
    assert run(["stats", "--corpus", str(grown)]) == 3
    said = capsys.readouterr().err
    assert "a bolt came loose" in said
    assert "report" in said
    assert "Traceback" not in said
    assert run(["stats", "--corpus", str(grown), "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


# ---------------------------------------------------------------- what is printed


def test_one_json_object_is_all_of_standard_output(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--count", str(COUNT), "--seed", "3", "-c", "elementwise", "-c", "unary"]
    capsys.readouterr()
    assert run(["grow", *options, "--corpus", str(grown), "--json"]) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert summary.keys() >= PROMISED
    assert (summary["verified"], summary["added"], summary["stop_reason"]) == (COUNT, 0, "count")
    assert "verified" in printed.err


def test_a_pair_is_shown(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = next(Store.open(grown, write=False).records())
    assert run(["show", record.id[:16], "--corpus", str(grown)]) == 0
    printed = capsys.readouterr().out
    assert record.python in printed
    assert record.id in printed


@pytest.mark.parametrize("width", [40, 80])
def test_statistics_fit_a_narrow_terminal(
    width: int, grown: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = Console(width=width)
    monkeypatch.setattr(sys.modules[stats.__module__], "_console", lambda: narrow)
    assert run(["stats", "--corpus", str(grown)]) == 0
    said = capsys.readouterr().out
    assert "elementwise" in said
    assert "gradient tolerance" in " ".join(said.split())
    assert "…" not in said


def test_statistics_are_shown(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stats", "--corpus", str(grown)]) == 0
    assert "elementwise" in capsys.readouterr().out
    assert run(["stats", "--corpus", str(grown), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["rows"] == COUNT


def test_rows_are_exported(grown: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    assert run(["export", "--format", "jsonl", "--out", str(out), "--corpus", str(grown)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == list(range(COUNT))
    assert set(rows[0]) == {"id", "kernel_name", "python", "cpp", "type"}


#: What share of the overloads that a kernel can call the op table has of each group.
LEAST = {
    "Scalar Math": 1.0,
    "Operators": 0.9,
    "Vector Math": 0.9,
    "Quaternion Math": 0.9,
    "Transformations": 0.9,
    "Spatial Math": 0.9,
    "Random": 0.9,
    "Utility": 0.8,
    "Tile Primitives": 0.65,
}


def test_coverage_compares_with_the_installed_warp(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage"]) == 0
    printed = capsys.readouterr().out
    assert "Scalar Math" in printed
    assert "printf" in printed
    assert "gradients verified" not in printed


def test_coverage_counts_what_a_corpus_exercises_and_whose_gradients_it_verifies(
    grown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["coverage", "--corpus", str(grown), "--json"]) == 0
    groups = {group["name"]: group for group in json.loads(capsys.readouterr().out)["groups"]}
    for group in groups.values():
        assert group["table"] + len(group["missing"]) == group["overloads"]
        assert group["verified"] <= group["corpus"] <= group["overloads"]
    for name, least in LEAST.items():
        assert groups[name]["table"] >= least * groups[name]["callable"], groups[name]["missing"]
        assert all(reason for _, reason in groups[name]["missing"]), groups[name]["missing"]
    assert 0 < groups["Operators"]["verified"] <= groups["Operators"]["corpus"] <= groups["Operators"]["table"]


# ---------------------------------------------------------------- looking again


def test_every_stored_pair_verifies_again(grown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(grown), "--workers", "1", "--compile"]) == 0
    assert capsys.readouterr().out == ""


def test_pairs_are_read_as_they_are_verified(grown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Record] = []
    records = Store.records

    def counted(self: Store, *arguments: Any, **named: Any) -> Iterator[Record]:
        for record in records(self, *arguments, **named):
            read.append(record)
            yield record

    def watched(records: Iterable[Record], workers: int | None) -> Iterator[Recheck]:
        for n, _ in enumerate(records, start=1):
            assert len(read) == n
        yield from ()

    monkeypatch.setattr(Store, "records", counted)
    monkeypatch.setattr(sys.modules[verify.__module__], "recheck", watched)
    assert run(["verify", str(grown)]) == 0
    assert len(read) == COUNT


def test_text_that_warp_does_not_generate_is_reported(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = change(copy, cpp="int main() {}")
    assert run(["verify", str(copy), "--workers", "1"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert record.id[:12] in line


def test_pairs_are_rebuilt_into_a_new_folder(grown: Path, tmp_path: Path) -> None:
    assert run(["rebuild", str(grown), "--workers", "1", "--out", str(tmp_path / "new")]) == 0
    before = {record.id: record.cpp for record in Store.open(grown, write=False).records()}
    after = {record.id: record.cpp for record in Store.open(tmp_path / "new", write=False).records()}
    assert after == before


def test_what_is_no_plain_file_is_written_to_and_not_replaced(grown: Path, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "rows.jsonl")
    (tmp_path / "rows.jsonl").touch()
    # opened for both, so that neither end waits for the other
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    for out in (pipe, link):
        assert run(["export", "--corpus", str(grown), "--category", "unary", "--out", str(out)]) == 0
    read = os.read(end, 1 << 16)
    os.close(end)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert read
    assert link.read_bytes().startswith(read)


def test_standard_output_without_room_is_no_fault_of_the_command(grown: Path) -> None:
    command = [sys.executable, "-m", "warpsmith", "stats", "--json", "--corpus", str(grown)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "warpsmith: there is no room left to write to: [Errno 28] No space left on device\n"


def test_a_reader_who_has_had_enough_is_no_new_failure(grown: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "warpsmith", "stats", "--json", "--corpus", str(grown)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_rebuild_goes_on_where_it_was(
    grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = sys.modules[rebuild.__module__]
    verified_again: list[str] = []

    def interrupted(records: Iterable[Record], workers: int | None) -> Iterator[Recheck]:
        for found in recheck(records, workers):
            if len(verified_again) == 2:
                raise KeyboardInterrupt
            verified_again.append(found.record.id)
            yield found

    command = ["rebuild", str(grown), "--workers", "1", "--out", str(tmp_path / "new")]
    monkeypatch.setattr(module, "recheck", interrupted)
    assert run(command) == 130
    monkeypatch.setattr(module, "recheck", recheck)
    capsys.readouterr()
    assert run(command) == 0
    assert capsys.readouterr().err == f"2 rebuilt before\n{COUNT - 2} the same\n"
    pairs = [{record.id for record in Store.open(path, write=False).records()} for path in (grown, tmp_path / "new")]
    assert pairs[0] == pairs[1]
    assert len(pairs[0]) == COUNT
    assert run(["verify", str(tmp_path / "new"), "--sample", "1", "--workers", "1"]) == 0


def test_of_two_records_of_one_structure_a_rebuild_keeps_the_first(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a merge by hand leaves them: the same line again, and one of another name."""
    before = {record.id for record in Store.open(copy, write=False).records()}
    file = copy / VERIFIED / "elementwise.jsonl"
    line = file.read_bytes().splitlines(keepends=True)[0]
    first = decode_record(line)
    renamed = make_record(
        msgspec.structs.replace(first.program, name="renamed"),
        cpp=first.cpp,
        verification=first.verification,
        provenance=first.provenance,
    )
    file.write_bytes(file.read_bytes() + line + encode_record(renamed) + b"\n")
    out = tmp_path / "new"
    for said in (f"{COUNT} the same", f"{COUNT} rebuilt before"):
        capsys.readouterr()
        assert run(["rebuild", str(copy), "--workers", "1", "--out", str(out)]) == 0
        assert set(capsys.readouterr().err.splitlines()) == {
            "2 left out, for a record before has the same structure",
            said,
        }
    assert {record.id for record in Store.open(out, write=False).records()} == before


def test_a_rebuild_leaves_alone_what_it_did_not_make(
    grown: Path, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    for place in (copy, tmp_path / "notes"):
        assert "choose a new folder" in complaint(capsys, "rebuild", grown, "--out", place)
    assert "is a file" in complaint(capsys, "rebuild", grown, "--out", tmp_path / "notes" / "mine.txt")


@pytest.mark.parametrize(("expected", "now"), [(12345.0, "still fails"), (None, "fixed")])
def test_a_stored_failure_is_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: float | None, now: str
) -> None:
    program = draw("elementwise", 0, 0)
    assert program is not None
    failure = Failure(
        FailureKind.FORWARD_MISMATCH,
        "planted",
        program.outputs[0].name,
        cell=(0,),
        expected=expected if expected is not None else 0.0,
        actual=0.0,
        tolerance=0.0 if expected is not None else 1e30,
    )
    verdict = failed(failure).because(inputs=derive(program, 0, Flavour.GENERIC))
    provenance = Provenance(warp="1.19.0", numpy="2", hypothesis="6", warpsmith="0", seed=0, index=0)
    case = make_case(Reduced(program, verdict, 0), "forward-mismatch-planted", provenance, confirmed=True)
    with Store.open(tmp_path, write=True) as store:
        folder = store.save_case(case)
    assert plain_json(case.evidence)["confirmed"] is True
    name = case.bucket if expected is None else str(folder)
    assert run(["replay", name, "--corpus", str(tmp_path)]) == 0
    assert now in capsys.readouterr().out


def test_a_replay_of_everything_names_pairs_whose_generated_code_changed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = change(copy, cpp="int main() {}")
    assert run(["replay", "--all", "--corpus", str(copy), "--workers", "1"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if record.id[:12] in line]
    assert lines == [f"elementwise {record.id[:12]}: its generated code changed"]


@pytest.mark.parametrize(("said", "now"), [("no such function", True), ("out of memory", False)])
def test_another_complaint_is_another_face(said: str, now: bool) -> None:
    failure = Failure(FailureKind.REJECTED, "RuntimeError: no such function 'f'")
    assert _same_face(failure, f"expected: it is built\nactual: RuntimeError: {said} 'g'") is now
