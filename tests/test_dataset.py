"""The exports: three forms of the same rows, which other tools read, and a card that is true."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny import apply, kernel

import corpus
from corpus.card import USAGE, corpus_card, export_card
from corpus.dataset import COLUMNS, DatasetRow, cyclomatic_complexity, depth
from corpus.heads import lines_of_category
from corpus.record import Record, encode_record, make_record
from corpus.shards import VERIFIED, all_shards, shard_file
from corpus.splits import assign
from corpus.store import Store
from harness.commands import run
from harness.commands.export import Derived
from harness.commands.facts import facts_of
from harness.cpp.cuda_text import compile_batch, cuda_texts, needed_ptx
from harness.cpp.generated_code import compile_each
from harness.jobs import BuildOptions, Job
from harness.sandbox import Sandbox
from harness.scoring.examples import expectation_of
from strategies.categories import CATEGORIES
from strategies.language.nodes import Assign, Compare, Continue, If, Literal, Name, Program, Statement, While
from strategies.language.render import render
from strategies.language.types import BOOL, FLOAT32, INT32

OF_EACH: Final = 3
OWN: Final = Path(corpus.__file__).parent


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a few rows of each category of the one that comes with a checkout."""
    path = tmp_path_factory.mktemp("dataset") / "corpus"
    (path / VERIFIED).mkdir(parents=True)
    store = Store.open(OWN, write=False)
    for name in store.categories():
        # one of which something could not be compared, if there is such a row
        rows = sorted(store.records(name, check=False), key=lambda record: record.verification.cells_checked)
        some = rows[-1:-OF_EACH:-1] + rows[:1]
        (path / VERIFIED / f"{name}.jsonl").write_bytes(b"".join(encode_record(r) + b"\n" for r in some))
    return path


@pytest.fixture(scope="module")
def records(small: Path) -> dict[str, Record]:
    return {record.id: record for record in Store.open(small, write=False).records()}


def exported(small: Path, out: Path, *options: str) -> Path:
    assert run(["export", "--corpus", str(small), "--out", str(out), *options]) == 0
    return out


@pytest.fixture(scope="module")
def parquet(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(small, tmp_path_factory.mktemp("exports") / "parquet", "--format", "parquet")


def test_the_measured_leakage_is_printed(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    exported(small, tmp_path / "out", "--format", "parquet", "--no-examples", "--category", "unary")
    said = capsys.readouterr().err
    assert re.search(r"^of [1-9]\d* held-out rows 0 are in another split but for names, 0 but for names", said, re.M)


@pytest.fixture(scope="module")
def full(small: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = exported(small, tmp_path_factory.mktemp("exports") / "full.jsonl", "--format", "jsonl-full")
    return [json.loads(line) for line in out.read_bytes().splitlines()]


def rows_of(parquet: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(parquet.glob("data/*/*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_parquet_and_json_lines_hold_the_same_rows(parquet: Path, full: list[dict[str, Any]]) -> None:
    assert sorted(rows_of(parquet), key=lambda row: row["id"]) == sorted(full, key=lambda row: row["id"])


def test_the_five_fields_are_those_of_the_full_rows(small: Path, full: list[dict[str, Any]], tmp_path: Path) -> None:
    out = exported(small, tmp_path / "five.jsonl", "--format", "jsonl")
    five = [json.loads(line) for line in out.read_bytes().splitlines()]
    names = {"kernel_name": "kernel_name", "python": "python", "cpp": "cpp", "type": "category"}
    assert [row["id"] for row in five] == list(range(len(full)))
    assert [{k: row[k] for k in names} for row in five] == [{k: row[c] for k, c in names.items()} for row in full]


def test_a_file_holds_one_category_and_one_split_compressed(parquet: Path) -> None:
    files = sorted(parquet.glob("data/*/*.parquet"))
    assert files
    for file in files:
        found = re.fullmatch(r"(train|validation|test)-00000-of-00001", file.stem)
        assert found
        table = pq.read_table(file, columns=["split", "category"])
        assert set(table["split"].to_pylist()) == {found.group(1)}
        assert set(table["category"].to_pylist()) == {file.parent.name}
        assert pq.read_metadata(file).row_group(0).column(0).compression == "ZSTD"


LOAD: Final = """\
import json, sys
from datasets import get_dataset_config_names, load_dataset
folder, cache = sys.argv[1:]
found = {}
for name in ("all", "loop"):
    loaded = load_dataset(folder, name, cache_dir=cache)
    found[name] = {split: sorted(rows["id"]) for split, rows in loaded.items()}
types = {name: str(kind) for name, kind in loaded["train"].features.items()}
print(json.dumps({"configs": get_dataset_config_names(folder), "ids": found, "types": types}))
"""


def test_datasets_reads_the_folder_without_a_script_or_a_network(
    parquet: Path, full: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(parquet), str(tmp_path / "cache")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["configs"]) == {"all", *(row["category"] for row in full)}
    wanted: dict[str, list[str]] = {}
    for row in full:
        wanted.setdefault(row["split"], []).append(row["id"])
    assert found["ids"]["all"] == {split: sorted(ids) for split, ids in wanted.items()}
    loops = {row["id"] for row in full if row["category"] == "loop"}
    assert set(itertools.chain(*found["ids"]["loop"].values())) == loops
    assert found["types"]["statements"] == "Value('int64')"
    assert found["types"]["backward_verified"] == "Value('bool')"
    assert found["types"]["forward_error"] == "Value('float64')"


def numbers(value: dict[str, Any]) -> Any:
    return np.array(json.loads(value["values"]), value["dtype"]).reshape(value["shape"])


def test_examples_are_what_the_pair_was_verified_on(full: list[dict[str, Any]], records: dict[str, Record]) -> None:
    for row in full:
        expectation = expectation_of(records[row["id"]])
        for value in row["inputs"]:
            held = expectation.inputs[value["name"]]
            assert numbers(value).astype(held.dtype).tobytes() == held.tobytes()
        assert {value["name"] for value in row["inputs"]} == {p.name for p in expectation.program.parameters}
        for value in row["outputs"]:
            cells = expectation.outputs[value["name"]]
            allowed = [np.nan if t is None else t for t in json.loads(value["tolerance"])]
            assert np.array_equal(~np.isnan(allowed), cells.checked.ravel())
            assert np.all(np.asarray(allowed)[cells.checked.ravel()] >= cells.tolerance[cells.checked].ravel())
        assert bool(row["gradients"]) == row["backward_verified"]


def test_every_column_is_described_and_filled(full: list[dict[str, Any]]) -> None:
    assert list(COLUMNS) == list(DatasetRow.__annotations__) == list(full[0])
    optional = {"cuda", "ptx", "cpp_backward", "forward_only_reason", "gradient_error", "gradient_tolerance"}
    for row in full:
        assert all(value is not None for name, value in row.items() if name not in optional)
        assert row["cpp_forward"] in row["cpp"]
        assert (row["cpp_backward"] is None) is ("enable_backward=False" in row["python"])
        assert (row["cpp_backward"] or "") in row["cpp"]
        assert 1 <= row["difficulty"] <= 5


def test_an_exported_text_compiles_alone(full: list[dict[str, Any]]) -> None:
    texts = [row["cpp"] for row in full[:: 2 * OF_EACH]]
    assert compile_each(texts) == [None] * len(texts)


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (("--category", "unary"), lambda row: row["category"] == "unary"),
        (("--tier", "backward"), lambda row: row["backward_verified"]),
        (("--min-statements", "8"), lambda row: row["statements"] >= 8),
        (("--feature", "op:add", "--feature", "node:if"), lambda row: {"op:add", "node:if"} <= set(row["features"])),
    ],
)
def test_only_the_rows_that_were_asked_for_are_exported(
    options: tuple[str, ...], keeps: Any, small: Path, full: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = exported(small, tmp_path / "rows.jsonl", "--format", "jsonl-full", "--no-examples", *options)
    ids = [json.loads(line)["id"] for line in out.read_bytes().splitlines()]
    assert ids == [row["id"] for row in full if keeps(row)]
    assert 0 < len(ids) < len(full)


@pytest.mark.parametrize("format", ["jsonl", "jsonl-full", "parquet"])
def test_no_file_is_written_of_no_rows(
    format: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    options = ["--format", format, "--feature", "op:nothing", "--out", str(tmp_path / "out")]
    assert run(["export", "--corpus", str(small), *options]) == 2
    assert capsys.readouterr().err == f"warpsmith: no row of {small} is --feature op:nothing\n"
    assert not (tmp_path / "out").exists()


def test_parquet_is_not_written_over_something(parquet: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["export", "--format", "parquet", "--corpus", str(small), "--out", str(parquet)]) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_what_to_install_is_said_in_a_sentence(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("corpus.splits", "corpus.card"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "datasketch", None)
    capsys.readouterr()
    assert run(["export", "--format", "parquet", "--corpus", str(small), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == ("warpsmith: this needs datasketch: pip install 'warpsmith[dataset]' brings it\n")


# ---------------------------------------------------------------- the card


def test_a_card_is_written_by_one_command_and_always_the_same(small: Path, records: dict[str, Record]) -> None:
    assert run(["card", "--corpus", str(small)]) == 0
    text = (small / "README.md").read_text()
    assert run(["card", "--corpus", str(small)]) == 0
    assert (small / "README.md").read_text() == text
    assert text.startswith("---\nlicense: apache-2.0\n")
    assert f"\n{len(records):,} verified pairs:" in text
    assert "| names | 0 |\n| names and literals | 0 |" in text
    for file in (small / VERIFIED).iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() in text


def test_the_card_of_the_checkout_is_what_would_be_written_now_and_nothing_leaks() -> None:
    store = Store.open(OWN, write=False)
    facts = facts_of(store, assign(store.records(check=False)), check=False)
    files = [shard_file(OWN, shard) for shard in all_shards(OWN)]
    leakage = facts.leakage
    assert leakage.held_out > 0
    assert leakage.rename_identical == leakage.structure_identical == leakage.outline_identical == 0
    assert leakage.cpp_identical == leakage.near_duplicates == 0
    assert (OWN / "README.md").read_text() == corpus_card(facts, files, OWN, list(CATEGORIES)), "run `warpsmith card`"


def test_the_card_of_an_export_counts_what_is_there(parquet: Path, full: list[dict[str, Any]]) -> None:
    text = (parquet / "README.md").read_text()
    unary = [row["split"] for row in full if row["category"] == "unary"]
    counts = [str(unary.count(split)) for split in ("train", "validation", "test")]
    (line,) = (line for line in text.splitlines() if line.startswith("| `unary` |"))
    assert [cell.strip() for cell in line.split("|")][4:7] == counts


def test_the_card_of_a_filtered_export_speaks_of_what_is_in_it(small: Path, tmp_path: Path) -> None:
    out = exported(small, tmp_path / "out", "--format", "parquet", "--no-examples", "--category", "unary")
    text = (out / "README.md").read_text()
    assert f"\n{OF_EACH} verified pairs:" in text
    assert "\nExported with --category unary: " in text
    assert "There is no CUDA text in it" in text


def test_the_card_of_an_export_says_what_it_derived(small: Path) -> None:
    store = Store.open(small, write=False)
    facts = facts_of(store, assign(store.records(check=False)), check=False)
    text = export_card(facts, "", list(CATEGORIES), Derived(True, True, 90).columns)
    assert "The export filled `cuda` and, for sm_90, `ptx`" in text
    assert "There is no CUDA text in it" not in text


def test_the_size_of_a_card_is_that_of_its_rows(small: Path) -> None:
    store = Store.open(small, write=False)
    facts = facts_of(store, assign(store.records(check=False)), check=False)
    many = msgspec.structs.replace(facts, splits={("unary", "train"): 20_000})
    assert "size_categories:\n- 10K<n<100K\n" in export_card(many, "--category unary", list(CATEGORIES), None)


def test_the_example_of_a_card_tells_right_from_wrong(
    full: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load_dataset` itself is tested above; here it is a stand-in that gives the same rows."""
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=lambda *_: {"train": full}))
    names: dict[str, Any] = {}
    exec(USAGE.removeprefix("```python\n").removesuffix("```\n"), names)
    passes, told = names["passes"], {True: 0, False: 0}
    for row in full:
        right = {of["name"]: np.array(json.loads(of["values"]), float) for of in row["outputs"]}
        assert passes(row, lambda inputs, launch, held=right: held)
        for of in row["outputs"]:
            allowed, held = np.array(json.loads(of["tolerance"]), float), right[of["name"]]
            for cell in np.flatnonzero(np.isfinite(held))[:8]:
                off = held.copy()
                off[cell] += max(1.0, abs(held[cell])) + 2 * np.nan_to_num(allowed[cell])
                compared = not np.isnan(allowed[cell])
                assert passes(row, lambda inputs, launch, held={**right, of["name"]: off}: held) is not compared
                told[compared] += 1
    assert min(told.values()) > 0


# ---------------------------------------------------------------- what happens meanwhile


def test_a_row_that_comes_while_an_export_runs_is_left_out(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus.store.lines_of_category", growing(lines_of_category))
    for format in ("parquet", "jsonl-full"):
        exported(small, tmp_path / format, "--format", format, "--no-examples", "--category", "unary")
    assert len(rows_of(tmp_path / "parquet")) == OF_EACH - 1
    assert run(["card", "--corpus", str(small)]) == 0


def growing(lines: Any) -> Any:
    """`lines_of_category`, of a category whose last row comes after it has been read once."""
    read: set[str] = set()

    def some(path: Path, category: str) -> Any:
        found = list(lines(path, category))
        yield from found if category in read else found[:-1]
        read.add(category)

    return some


def test_an_export_that_fails_leaves_nothing_and_can_be_repeated(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    options = [
        "export",
        "--corpus",
        str(small),
        "--out",
        str(out),
        "--no-examples",
        "-c",
        "unary",
        "--format",
        "parquet",
    ]
    with monkeypatch.context() as patch:
        patch.setattr("corpus.files.replace_file", full_disk)
        assert run(options) == 2
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    assert run(options) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "data"]


def test_only_the_categories_that_are_wanted_are_read(small: Path, tmp_path: Path) -> None:
    other = tmp_path / "corpus"
    shutil.copytree(small, other)
    (other / VERIFIED / "loop.jsonl").write_text("this is no record\n")
    exported(other, tmp_path / "rows.jsonl", "--category", "unary")
    assert run(["export", "--corpus", str(other), "--out", str(tmp_path / "all.jsonl")]) == 2


# ---------------------------------------------------------------- columns


def branch(*orelse: Statement) -> If:
    return If(Compare(BOOL, ("lt", "lt"), (Literal(INT32, "1"),) * 3), (Continue(),), orelse)


@pytest.mark.parametrize(
    ("body", "complexity", "nesting"),
    [
        ((branch(),), 3, 1),
        ((branch(branch(branch())),), 7, 1),
        ((branch(branch(), branch()),), 7, 2),
        ((While(Literal(BOOL, "True"), (branch(),)),), 4, 2),
        ((While(Literal(BOOL, "True"), (Continue(),)),), 2, 1),
    ],
)
def test_decisions_and_depths_are_those_of_the_text(body: tuple[Statement, ...], complexity: int, nesting: int) -> None:
    program = msgspec.structs.replace(kernel(FLOAT32, lambda a, b: a), body=body)
    assert (cyclomatic_complexity(program), depth(program)) == (complexity, nesting)


# ---------------------------------------------------------------- CUDA


@pytest.fixture(scope="module")
def with_ptx(small: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of a few categories, with CUDA text and PTX."""
    out = tmp_path_factory.mktemp("exports") / "ptx.jsonl"
    some = [word for name in ("elementwise", "vector", "compound") for word in ("--category", name)]
    exported(small, out, "--format", "jsonl-full", "--no-examples", "--ptx", "sm_80", *some)
    return [json.loads(line) for line in out.read_bytes().splitlines()]


def entry_parameters(ptx: str) -> dict[str, int]:
    """The entry points in a PTX text, each with the number of its parameters."""
    entries = re.findall(r"^\.visible \.entry (\w+)\(\n(.*?)^\)", ptx, re.MULTILINE | re.DOTALL)
    return {name: parameters.count(".param") for name, parameters in entries}


def test_the_ptx_of_a_row_is_that_of_its_kernel(with_ptx: list[dict[str, Any]], records: dict[str, Record]) -> None:
    for row in with_ptx:
        # The bounds of the launch, every parameter and, backward, the adjoint of every parameter.  A struct is one.
        parameters = len({p.name.partition(".")[0] for p in records[row["id"]].program.parameters})
        name = f"{row['kernel_name']}_cuda_kernel"
        assert entry_parameters(row["ptx"]) == {
            f"{name}_forward": 1 + parameters,
            f"{name}_backward": 1 + 2 * parameters,
        }
        assert f"void {name}_forward(" in row["cuda"]
        assert ".target sm_80" in row["ptx"]
        assert "pnanovdb" not in row["ptx"]


def pair(program: Program, like: Record) -> Record:
    return make_record(program, cpp="", verification=like.verification, provenance=like.provenance)


def test_a_batch_gives_each_kernel_its_own_text(records: dict[str, Record]) -> None:
    like = next(iter(records.values()))
    factors = {"0f3EC00000": 0.375, "0f3EE00000": 0.4375}
    programs = [kernel(FLOAT32, lambda a, b, f=f: apply("mul", a, Literal(FLOAT32, f))) for f in factors.values()]
    broken = msgspec.structs.replace(programs[0], body=(Assign(Name(FLOAT32, "x"), Name(FLOAT32, "nowhere")),))
    pairs = [pair(program, like) for program in (programs[0], broken, programs[1])]
    first, none, second = (text for _, text in cuda_texts(pairs, 90))
    assert none.cuda is none.ptx is None
    assert "nowhere" in (none.error or "")
    for text, number in ((first, "0f3EC00000"), (second, "0f3EE00000")):
        assert text.ptx is not None
        assert {n for n in factors if n in text.ptx} == {number}
    with Sandbox() as sandbox:
        (built,) = sandbox.run([Job(render(programs[0]), "known")], BuildOptions(cuda_arch=90))
    assert first.cuda == built.cuda is not None


def test_a_pair_on_which_the_compiler_dies_is_the_only_one_left_out(
    records: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script here dies over every second kernel, as NVRTC might."""
    script = tmp_path / "dies.py"
    script.write_text(
        "import json, os, sys\n"
        "for n, source in enumerate(json.loads(sys.stdin.readline())['sources']):\n"
        "    print(json.dumps({'begin': n}), flush=True)\n"
        "    if '0.375' in source:\n"
        "        os.abort()\n"
        "    print(json.dumps({'error': 'none'}), flush=True)\n"
    )
    monkeypatch.setattr("harness.cpp.nvrtc.__file__", str(script))
    like = next(iter(records.values()))
    programs = [
        kernel(FLOAT32, lambda a, b, f=f: apply("mul", a, Literal(FLOAT32, f))) for f in (0.5, 0.375, 0.5, 0.375)
    ]
    found = compile_batch([pair(program, like) for program in programs], 90)
    assert [text.error for text in found] == ["none", "NVRTC died of SIGABRT", "none", "NVRTC died of SIGABRT"]


def test_tables_that_nothing_refers_to_are_no_part_of_the_ptx() -> None:
    needed = ".const .align 4 .b8 table[8] = {1, 2};\n.visible .entry k(\n)\n{\n mov.u64 %rd1, table;\n}\n"
    others = (
        ".global .align 8 .u64 link = alone;\n.const .align 4 .b8 alone[4] = {0, 1};\n"
        ".shared .align 4 .b8 room[16];\n.global .align 1 .u8 one = 1;\n"
    )
    assert needed_ptx(others + needed) == needed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "jsonl-full", "--ptx", "hopper"), "--ptx hopper: an architecture is a name like sm_90"),
        (("--format", "jsonl-full", "--ptx", "12", "-c", "unary"), "--ptx sm_12: the NVRTC of Warp"),
        (("--cuda",), "the five fields have no column for CUDA"),
    ],
)
def test_what_cuda_cannot_be_made_for_is_said(
    options: tuple[str, ...], said: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["export", "--corpus", str(small), "--out", str(tmp_path / "out"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
