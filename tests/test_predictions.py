"""Scoring: what the corpus holds is right, and what is damaged is wrong for the reason that it is."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

import corpus
from corpus.record import Provenance, Record, encode_record
from corpus.shards import VERIFIED
from corpus.store import Store
from harness.campaign.pairs import make_pair
from harness.commands import run
from harness.cpp.generated_code import CompilerNotFound, backward_text, find_compiler, forward_text
from harness.scoring import confine, predictions
from harness.scoring.predictions import Prediction, Reason, Score, Scorer
from harness.verdict import FailureKind, Tier
from harness.verify import FAST, verify
from strategies import draw
from strategies.language.nodes import Assign, Element, Program
from strategies.language.structs import leaves
from strategies.language.types import Struct, element_scalar

OWN: Final = Path(corpus.__file__).parent


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer(run_seconds=1) as found:
        yield found


def scored(scorer: Scorer, record: Record, prediction: Prediction) -> Score:
    (found,) = scorer.scores([(record, prediction)])
    return found


def first(wanted: Callable[[Record], bool]) -> Record:
    """The first pair of the corpus of the checkout that is wanted."""
    return next(filter(wanted, Store.open(OWN, write=False).records(check=False)))


@pytest.fixture(scope="module")
def plain() -> Record:
    """A pair that stores a sum of float32 values in every cell of one array."""

    def wanted(record: Record) -> bool:
        last = record.program.body[-1]
        return (
            record.type == "elementwise"
            and record.verification.tier == "backward"
            and {"type:float16", "type:float64"}.isdisjoint(record.features)
            and isinstance(last, Assign)
            and isinstance(last.target, Element)
            and "wp::array_store" in forward_text(record.cpp)
            and "wp::adj_array_store" in record.cpp
        )

    return first(wanted)


@pytest.fixture
def small(plain: Record, tmp_path: Path) -> Path:
    """A corpus of one pair."""
    path = tmp_path / "corpus"
    (path / VERIFIED).mkdir(parents=True)
    (path / VERIFIED / f"{plain.type}.jsonl").write_bytes(encode_record(plain) + b"\n")
    return path


@pytest.mark.parametrize("feature", ["type:float16", "array:3", "op:atomic_max", "type:uint64"])
def test_the_text_of_the_corpus_is_right(feature: str, scorer: Scorer) -> None:
    record = first(lambda r: feature in r.features and r.verification.tier == "backward")
    found = scored(scorer, record, Prediction(record.id, cpp=record.cpp))
    assert found == Score(id=record.id, category=record.type, compiled=True, forward=True, backward=True)


@pytest.mark.parametrize("array", [False, True])
def test_structs_are_laid_out_as_the_compiler_does(array: bool, scorer: Scorer) -> None:
    """The first verified kernel with a struct by value, and with an array of structs, of fields of several sizes."""

    def wanted(program: Program) -> bool:
        return any(
            (given.ndim > 0) is array and len({element_scalar(of).notation for _, of in leaves(given.type)}) > 1
            for given in program.structs
            if isinstance(given.type, Struct)
        )

    drawn = (program for n in itertools.count() if (program := draw("struct", 0, n)) is not None)
    judged = ((program, verify(program)) for program in filter(wanted, drawn))
    program, verdict = next((program, verdict) for program, verdict in judged if verdict.verified)
    versions = Provenance(warp="", numpy="", hypothesis="", warpsmith="", seed=0, index=0)
    record = make_pair(program, verdict, FAST, versions)
    found = scored(scorer, record, Prediction(record.id, cpp=record.cpp))
    assert (found.forward, found.reason, found.message) == (True, None, "")
    assert found.backward is (True if verdict.tier is Tier.BACKWARD else None)


def test_what_a_prediction_leaves_in_its_folder_leads_nowhere(plain: Record, scorer: Scorer, tmp_path: Path) -> None:
    """Links to a file elsewhere, under every name that might be opened again, and its own library removed."""
    outside = tmp_path / "outside"
    outside.write_text("mine")
    code = f"""
extern "C" {{
int unlink(const char*);
int symlink(const char*, const char*);
}}
static int plant()
{{
    const char* names[] = {{ "output", "words", "request", "prediction.cpp", "prediction.so" }};
    for (const char* name : names) {{
        unlink(name);
        symlink("{outside}", name);
    }}
    return 0;
}}
static int planted = plant();
"""
    found = scored(scorer, plain, Prediction(plain.id, cpp=plain.cpp + code))
    assert found.compiled
    assert outside.read_text() == "mine"
    assert found.forward is True
    assert found.backward is False


def test_a_compiler_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/nonexistent/c++")
    with pytest.raises(CompilerNotFound, match="/nonexistent/c"), Scorer():
        pass


def test_a_pair_without_a_verified_gradient_is_judged_forward_only(scorer: Scorer) -> None:
    record = first(lambda r: r.verification.tier == "forward")
    found = scored(scorer, record, Prediction(record.id, cpp=record.cpp))
    assert (found.forward, found.backward, found.reason) == (True, None, None)


#: Before the last brace of the forward function, and of the backward one.
def at_end(text: str, code: str) -> str:
    body, brace, rest = text.rpartition("}")
    return f"{body}{code}\n{brace}{rest}"


def test_the_driver_rounds_to_half_precision_as_numpy_does(tmp_path: Path) -> None:
    """Every half float, the middle between any two, and what is just beside that."""
    text = Path(predictions.__file__).with_name("driver.cpp").read_text()
    source, library = tmp_path / "half.cpp", tmp_path / "half.so"
    functions = text[text.index("// To the nearest") : text.index("namespace {")].rpartition("}")[0]
    source.write_text(f'#include <cmath>\n#include <cstdint>\n#define WP_API\nextern "C" {{\n{functions}\n}}\n')
    subprocess.run([*find_compiler(), "-O1", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    to_half, to_float = loaded.wp_float_to_half_bits, loaded.wp_half_bits_to_float
    to_half.argtypes, to_half.restype = [ctypes.c_float], ctypes.c_uint16
    to_float.argtypes, to_float.restype = [ctypes.c_uint16], ctypes.c_float
    halves = np.arange(0, 0x7C01, dtype=np.uint16)
    exact = halves.view(np.float16).astype(np.float32)
    assert [to_float(int(bits)) for bits in halves] == exact.tolist()
    middle = ((exact[:-2].astype(np.float64) + exact[1:-1]) / 2).astype(np.float32)
    for values in (exact[:-1], middle, np.nextafter(middle, np.float32(0)), np.nextafter(middle, np.float32(np.inf))):
        for signed in (values, -values):
            wanted = signed.astype(np.float16).view(np.uint16)
            assert [to_half(float(value)) for value in signed] == wanted.tolist()


DAMAGES: Final[dict[str, tuple[Callable[[str], str], Reason, FailureKind | None]]] = {
    "text that is no C++": (lambda f: f.replace(";", "", 1), Reason.NOT_COMPILED, None),
    "a cell left out": (
        lambda f: f.replace("wp::array_store(", "if (task_index != 1) wp::array_store("),
        Reason.WRONG, FailureKind.FORWARD_MISMATCH,
    ),
    "a write behind the array": (
        lambda f: at_end(f, "_wp_args->{out}.data[_wp_args->{out}.shape[0]] = 1;"), Reason.WRONG, FailureKind.MEMORY,
    ),
    "an endless loop": (lambda f: at_end(f, "for (volatile int n = 0;; n = n + 1) {}"), Reason.HANG, None),
    "a crash": (lambda f: at_end(f, "__builtin_trap();"), Reason.CRASH, None),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_forward_function_is_wrong_for_its_reason(what: str, plain: Record, scorer: Scorer) -> None:
    damage, reason, kind = DAMAGES[what]
    damaged = damage(forward_text(plain.cpp)).replace("{out}", plain.program.outputs[0].name)
    found = scored(scorer, plain, Prediction(plain.id, cpp_forward=damaged))
    assert (found.forward, found.backward, found.reason, found.kind) == (False, None, reason, kind)


def test_a_text_without_the_entry_points_is_not_run(plain: Record, scorer: Scorer) -> None:
    mangled = plain.cpp.replace('extern "C" {', 'extern "C++" {')
    found = scored(scorer, plain, Prediction(plain.id, cpp=mangled))
    assert (found.compiled, found.forward, found.backward) == (True, False, False)
    assert found.reason is Reason.NO_ENTRY


def test_a_damaged_gradient_leaves_the_results_right(plain: Record, scorer: Scorer) -> None:
    own = backward_text(plain.cpp)
    assert own is not None
    whole = plain.cpp.replace(own, own.replace("wp::adj_array_store", "if (task_index != 1) wp::adj_array_store"))
    found = scored(scorer, plain, Prediction(plain.id, cpp=whole))
    assert (found.forward, found.backward) == (True, False)
    assert (found.reason, found.kind) == (Reason.WRONG, FailureKind.BACKWARD_MISMATCH)


def test_a_gradient_that_is_stored_where_it_should_add_is_wrong(plain: Record, scorer: Scorer) -> None:
    own = backward_text(plain.cpp)
    assert own is not None
    name = next(p.name for p in plain.program.arrays if not p.output)
    forgets = f"// reverse\n    if (adj_{name}.data) *wp::address(adj_{name}, var_0) = 0.0f;"
    found = scored(scorer, plain, Prediction(plain.id, cpp_backward=own.replace("// reverse", forgets)))
    assert (found.backward, found.kind) == (False, FailureKind.BACKWARD_MISMATCH)
    assert "added to what was there" in found.message


TRESPASS: Final = """
extern "C" {{
void* fopen(const char*, const char*);
int socket(int, int, int);
int connect(int, const void*, unsigned);
void* malloc(unsigned long);
int kill(int, int);
}}
static int trespass()
{{
    struct {{ unsigned short family, port; unsigned address; char rest[8]; }} there = {{ 2, {port}, 0x0100007f, {{}} }};
    if (fopen("{secret}", "r") || fopen("{folder}/made", "w") || malloc(3ul << 30) || kill({process}, 0) == 0)
        __builtin_trap();
    if (connect(socket(2, 1, 0), &there, sizeof(there)) == 0)
        __builtin_trap();
    return 0;
}}
static int trespassed = trespass();
"""


def test_predicted_code_reaches_no_file_process_network_or_much_memory(
    plain: Record, scorer: Scorer, tmp_path: Path
) -> None:
    if confine.landlock_version() < 6:
        pytest.skip("no Landlock, or an old one: files and processes are not out of reach on this machine")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = socket.htons(server.getsockname()[1])
        code = TRESPASS.format(port=port, secret=secret, folder=tmp_path, process=os.getpid())
        found = scored(scorer, plain, Prediction(plain.id, cpp=plain.cpp + code))
    assert (found.forward, found.backward, found.reason) == (True, True, None), found.message
    assert not (tmp_path / "made").exists()
    included = scored(scorer, plain, Prediction(plain.id, cpp=f'#include "{secret}"\n{plain.cpp}'))
    assert included.reason is Reason.NOT_COMPILED
    assert "denied" in included.message


def test_the_command_scores_a_file(
    plain: Record, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, details = tmp_path / "predictions.jsonl", tmp_path / "details.jsonl"
    file.write_text("\n" + json.dumps({"id": plain.id, "cpp_forward": forward_text(plain.cpp)}) + "\n\n")
    assert run(["score", str(file), "--corpus", str(small), "--details", str(details), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)["categories"]["all"]
    assert (found["compiled"], found["forward_correct"], found["backward_judged"]) == (1, 1, 0)
    assert said.err.startswith("Predicted code is kept from endless time, more memory")
    assert json.loads(details.read_text())["forward"] is True


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "nobody", "cpp": ""}, "no pair of"),
        (None, "there is no prediction in"),
        ({"id": "nobody"}, "line 1: not a prediction"),
        ({"id": "nobody", "cpp": "", "cpp_forward": ""}, "line 1: not a prediction"),
    ],
)
def test_a_line_that_is_no_prediction_is_refused(
    line: dict[str, str] | None, said: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text("\n" if line is None else json.dumps(line) + "\n")
    assert run(["score", str(file), "--corpus", str(small)]) == 2
    assert said in capsys.readouterr().err
