"""What a record, a case, an export and a summary promise."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from corpus import case as case_form
from corpus import record as record_form
from corpus.case import Case, DamagedCase, Values, check_case, decode_case, encode_case, plain_json
from corpus.export import export_jsonl
from corpus.record import (
    CorpusError,
    DamagedRecord,
    Provenance,
    Record,
    Verification,
    check_record,
    decode_record,
    encode_record,
    features,
    make_record,
)
from corpus.statistics import summarise
from strategies.language import types
from strategies.language.nodes import (
    Apply,
    Assign,
    Atomic,
    AugmentedAssign,
    Compare,
    Construct,
    Element,
    Expression,
    For,
    If,
    Literal,
    Logical,
    Name,
    Parameter,
    Program,
    Statement,
    ThreadIndex,
)
from strategies.language.types import BOOL, FLOAT32, INT32

DATA = Path(__file__).parent / "data"

LANE = Name(INT32, "i")
VEC3 = types.vector(3, FLOAT32)
PROVENANCE = Provenance(warp="1.14.0", numpy="2.0.0", hypothesis="6.150", warpsmith="0.1.0", seed=7, index=3)


def number(value: float) -> Literal:
    return Literal(FLOAT32, value)


def program(name: str = "k", category: str = "loop", operator: str = "mul", value: float = 0.1) -> Program:
    """A kernel with one of almost everything."""
    x = Element(FLOAT32, "x", (LANE,))
    body: tuple[Statement, ...] = (
        ThreadIndex(("i",)),
        Assign(Name(VEC3, "v"), Construct(VEC3, (x, number(value), x))),
        For("j", Literal(INT32, 3), (AugmentedAssign(Name(VEC3, "v"), "add", Name(VEC3, "v")),)),
        If(
            Logical(
                BOOL,
                "and",
                (Compare(BOOL, ("<", "<="), (number(0.0), x, number(1.0))), Literal(BOOL, True)),
            ),
            (Atomic("atomic_add", "y", (LANE,), Apply(FLOAT32, operator, (x, Apply(FLOAT32, "sin", (x,))))),),
            (Assign(Element(FLOAT32, "y", (LANE,)), number(-0.0)),),
        ),
    )
    parameters = (
        Parameter("x", types.array(FLOAT32), -1.0, 1.0, (5,)),
        Parameter("y", types.array(FLOAT32), 0.0, 0.0, (5,), output=True),
        Parameter("w", types.array(VEC3, 2), 0.0, 1.0, (2, 1)),
        Parameter("n", INT32, 0, 9),
    )
    return Program(name, category, (5,), parameters, body)


def verification(**changes: Any) -> Verification:
    figures: dict[str, Any] = {
        "tier": "backward",
        "devices": ("cpu",),
        "forward_error": 1e-7,
        "forward_tolerance": 2.5e-6,
        "gradient_error": 0.0,
        "gradient_tolerance": 1e-4,
        "cells_checked": 1.0,
        "gradients_checked": 0.75,
        "median_gradient_tolerance": 3e-5,
        "inputs_seed": 2**63,
        "launch": (5,),
        "layouts": ("contiguous", "strided"),
        "options": {"mode": "release", "fast_math": False, "max_unroll": 16},
    }
    return Verification(**{**figures, **changes})


def record(of: Program | None = None, cpp: str = "void k() {}\n", **changes: Any) -> Record:
    return make_record(of or program(), cpp=cpp, verification=verification(**changes), provenance=PROVENANCE)


def altered(line: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode()


def check(line: bytes) -> None:
    check_record(decode_record(line))


# ---------------------------------------------------------------- records


def test_a_record_is_one_line_and_comes_back_equal() -> None:
    kept = record(cpp='"\u2028\\\n\r\x00é')
    line = encode_record(kept)
    assert b"\n" not in line
    assert b"\r" not in line
    assert decode_record(line) == kept
    assert encode_record(decode_record(line)) == line
    check_record(kept)


def test_equal_records_give_equal_bytes_whatever_the_order_of_their_options() -> None:
    options = {"a": 1, "b": True, "c": "x"}
    backwards = dict(reversed(options.items()))
    assert encode_record(record(options=options)) == encode_record(record(options=backwards))


def test_a_figure_is_written_as_it_will_be_read() -> None:
    whole = record(forward_error=0, cells_checked=1)
    assert encode_record(whole) == encode_record(decode_record(encode_record(whole)))
    assert encode_record(whole) == encode_record(record(forward_error=0.0, cells_checked=1.0))


@pytest.mark.parametrize("schema_1", (DATA / "record_schema_1.jsonl").read_bytes().splitlines())
def test_a_record_of_schema_1_is_read_for_ever(schema_1: bytes) -> None:
    kept = decode_record(schema_1)
    check_record(kept)
    assert kept.kernel_name == "oldest"
    assert kept.verification.options == {"mode": "release", "fast_math": False, "max_unroll": 16}
    assert decode_record(encode_record(kept)) == kept


def test_what_the_first_corpus_holds_keeps_its_ids_and_its_hashes() -> None:
    """Nodes and types that came later may not change what was stored: twelve records with every construct of then."""
    records = [decode_record(line) for line in (DATA / "records_of_0.1.0.jsonl").read_bytes().splitlines()]
    assert len({record.id for record in records}) == 12
    for record in records:
        check_record(record)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("figure", ["forward_error", "gradient_tolerance", "cells_checked"])
def test_a_figure_that_json_has_no_number_for_is_refused(figure: str, value: float) -> None:
    with pytest.raises(ValueError, match=figure):
        verification(**{figure: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"cells_checked": 1.01},
        {"gradients_checked": -0.1},
        {"tier": "forward"},
        {"reason": "limit"},
    ],
)
def test_a_verification_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share|reason"):
        verification(**changes)


def test_a_forward_pair_names_its_reason_and_needs_no_gradient() -> None:
    kept = record(
        tier="forward",
        reason="dynamic-loop",
        gradient_error=None,
        gradient_tolerance=None,
        gradients_checked=0,
    )
    assert decode_record(encode_record(kept)) == kept


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"\x00\x00\x00",
        b"null",
        b"[]",
        b"{}",
        b'{"schema":1}',
        b'{"schema":"1"}',
        b'{"schema":true}',
        b'{"schema":1,',
        b"\xff\xfe",
        b'{"schema":1,"id":"\xff"}',
        b'{"schema":1,"program":' + b"[" * 100_000,
        b'{"schema":1,"verification":{"tier":"backward","forward_error":NaN}}',
    ],
)
def test_what_is_no_record_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(DamagedRecord, match="not a record"):
        decode_record(line)


@pytest.mark.parametrize("cut", range(0, 2000, 37))
def test_no_part_of_a_record_is_a_record(cut: int) -> None:
    with pytest.raises(DamagedRecord):
        decode_record(encode_record(record())[:cut])


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"id": 3},
        {"python": None},
        {"features": "for"},
        {"type": "../../etc"},
        {"type": ".hidden"},
        {"verification": {}},
    ],
)
def test_a_record_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DamagedRecord, match="not a record"):
        decode_record(altered(encode_record(record()), **changes))


def test_an_unknown_field_deep_inside_is_refused() -> None:
    plain = json.loads(encode_record(record()))
    plain["program"]["body"][0]["exec"] = "import os"
    with pytest.raises(DamagedRecord, match="exec"):
        decode_record(json.dumps(plain).encode())


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"python": "import os\n"}, "stored Python differs"),
        ({"id": "0" * 32}, "stored id"),
        ({"kernel_name": "other"}, "kernel name"),
        ({"type": "branch"}, "category"),
        ({"structure": "0" * 32}, "stored structure"),
        ({"outline": "0" * 32}, "stored outline"),
        ({"features": []}, "stored features"),
    ],
)
def test_whatever_follows_from_the_tree_must_be_what_is_stored(changes: dict[str, Any], claim: str) -> None:
    with pytest.raises(DamagedRecord, match=claim):
        check(altered(encode_record(record()), **changes))


def test_changing_the_tree_alone_is_noticed() -> None:
    line = encode_record(record())
    with pytest.raises(DamagedRecord, match=r"record [0-9a-f]{12}…: the stored Python differs"):
        check(altered(line, program=json.loads(encode_record(record(program(value=0.2))))["program"]))


@pytest.mark.parametrize(
    "meaningless",
    [
        Assign(Name(FLOAT32, "a"), Apply(FLOAT32, "add", (number(1.0),))),
        AugmentedAssign(Name(FLOAT32, "a"), "no_such_operator", number(1.0)),
        Assign(Name(FLOAT32, "a"), Compare(BOOL, ("<",), (number(1.0),))),
        Assign(Name(FLOAT32, "a"), Literal(VEC3, 1.0)),
        Assign(Name(BOOL, "a"), Logical(BOOL, "nand", (LANE, LANE))),
        Assign(Name(FLOAT32, "a"), Literal(INT32, math.inf)),
    ],
)
def test_a_tree_without_meaning_is_damage_and_no_crash(meaningless: Statement) -> None:
    bad = msgspec.structs.replace(program(), body=(meaningless,))
    forged = msgspec.structs.replace(record(), program=bad)
    with pytest.raises(DamagedRecord):
        check_record(forged)


EVIL = "x\n    import os"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "k():\n    pass\nimport os\ndef k"},
        {"name": "import"},
        {"category": "loop\n"},
        {"parameters": (Parameter("x: __import__('os')", FLOAT32, 0.0, 1.0),)},
        {"body": (ThreadIndex((EVIL,)),)},
        {"body": (Assign(Name(INT32, EVIL), LANE),)},
        {"body": (For(EVIL, LANE, ()),)},
        {"body": (Assign(LANE, Apply(INT32, "os; import os", ())),)},
        {"body": (Assign(LANE, Element(INT32, "x[0]; import os; y", (LANE,))),)},
        {"body": (Assign(LANE, Compare(BOOL, ("if __import__('os') else",), (LANE, LANE))),)},
        {"body": (AugmentedAssign(LANE, EVIL, LANE),)},
        {"body": (Atomic("atomic_add", EVIL, (LANE,), LANE),)},
    ],
)
def test_a_name_that_is_more_than_a_name_is_refused_though_all_else_agrees(changes: dict[str, Any]) -> None:
    bad = msgspec.structs.replace(program(), **changes)
    forged = msgspec.structs.replace(record(), program=bad)
    with pytest.raises(DamagedRecord, match=r"has no meaning .* is no (name|comparison)"):
        check_record(forged)
    with pytest.raises(DamagedCase, match=r"has no meaning .* is no (name|comparison)"):
        check_case(case(program=bad, inputs={}, cotangents={}))


def test_a_tree_too_deep_to_render_is_damage_and_no_crash() -> None:
    deep: Expression = number(1.0)
    for _ in range(5000):
        deep = Apply(FLOAT32, "sin", (deep,))
    bad = msgspec.structs.replace(program(), body=(Assign(Name(FLOAT32, "a"), deep),))
    with pytest.raises(DamagedRecord):
        check_record(msgspec.structs.replace(record(), program=bad))


def test_an_older_schema_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_minus_one(plain: dict[str, Any]) -> dict[str, Any]:
        cpp = plain.pop("source")
        return {**plain, "schema": 0, "cpp": cpp}

    def from_zero(plain: dict[str, Any]) -> dict[str, Any]:
        return {**plain, "schema": 1, "cuda": None}

    monkeypatch.setattr(record_form, "UPGRADES", {-1: from_minus_one, 0: from_zero})
    plain = json.loads(encode_record(record()))
    plain["schema"] = -1
    plain["source"] = plain.pop("cpp")
    del plain["cuda"]
    upgraded = decode_record(json.dumps(plain).encode())
    assert upgraded == record()
    del plain["source"]
    with pytest.raises(DamagedRecord, match="cannot be upgraded from schema -1"):
        decode_record(json.dumps(plain).encode())


def test_a_schema_from_the_future_or_from_nowhere_is_named() -> None:
    line = encode_record(record())
    with pytest.raises(DamagedRecord, match="schema 2, but this version of warpsmith reads schemas up to 1"):
        decode_record(altered(line, schema=2))
    with pytest.raises(DamagedRecord, match="schema 0, which never was one"):
        decode_record(altered(line, schema=0))


def test_features_name_every_construct_once_and_sorted() -> None:
    assert features(program()) == (
        "array:1",
        "array:2",
        "augmented:add",
        "compare:<",
        "compare:<=",
        "launch:1",
        "logical:and",
        "node:apply",
        "node:assign",
        "node:atomic",
        "node:augmented",
        "node:compare",
        "node:construct",
        "node:element",
        "node:for",
        "node:if",
        "node:literal",
        "node:logical",
        "node:name",
        "node:tid",
        "op:atomic_add",
        "op:mul",
        "op:sin",
        "type:bool",
        "type:float32",
        "type:int32",
        "vector:3",
    )


# ---------------------------------------------------------------- cases


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "bucket": "backward-mismatch-x-sin",
        "kind": "backward-mismatch",
        "program": program(),
        "inputs": {
            "x": Values.of("float32", (5,), [0.5, -0.0, math.nan, math.inf, -math.inf]),
            "y": Values.of("float32", (5,), [0] * 5),
            "w": Values.of("float32", (2, 1, 3), range(6)),
            "n": Values.of("int32", (), [9]),
        },
        "cotangents": {"y": Values.of("float32", (5,), [1.0] * 5)},
        "layout": "contiguous",
        "options": {"fast_math": True},
        "evidence": {"where": ["x", 3], "expected": 1.5, "seen": "nan"},
        "provenance": PROVENANCE,
    }
    return Case(**{**fields, **changes})


def test_a_case_comes_back_equal_to_the_last_bit() -> None:
    kept = case()
    text = encode_case(kept)
    back = decode_case(text)
    assert back == kept
    assert encode_case(back) == text
    assert b"null" not in text
    check_case(back)
    half, zero, nan, inf, minus = back.inputs["x"].numbers()
    assert (half, inf, minus) == (0.5, math.inf, -math.inf)
    assert math.copysign(1.0, zero) == -1.0
    assert math.isnan(nan)
    assert back.inputs["n"].numbers() == (9,)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float16", 65504.0),
        ("float32", 3.4028234663852886e38),
        ("float32", 1.401298464324817e-45),
        ("float64", 5e-324),
        ("float64", 1e308),
        ("uint64", 2**64 - 1),
        ("int64", -(2**63)),
        ("int8", -128),
        ("bool", True),
        ("float32", 0),
    ],
)
def test_every_value_of_a_type_is_kept_exactly(dtype: str, value: float) -> None:
    kept = Values.of(dtype, (), [value])
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Values) == kept
    assert kept.numbers() == (value,)


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        ("float32", (), (0.1,)),
        ("float16", (), (65520.0,)),
        ("float32", (), (1e300,)),
        ("float32", (), (math.nan,)),
        ("float32", (), ("NaN",)),
        ("float32", (), (True,)),
        ("float32", (), (1,)),
        ("int8", (), (128,)),
        ("uint8", (), (-1,)),
        ("int32", (), (1.0,)),
        ("int32", (), (True,)),
        ("int32", (), ("nan",)),
        ("bool", (), (1,)),
        ("int32", (2,), (1,)),
        ("int32", (-1, -1), (1,)),
        ("vec3<float32>", (3,), (1.0, 1.0, 1.0)),
        ("object", (), (1,)),
    ],
)
def test_values_that_are_none_of_their_type_are_refused(
    dtype: str, shape: tuple[int, ...], values: tuple[Any, ...]
) -> None:
    with pytest.raises(ValueError, match=r"value|shape|type"):
        Values(dtype, shape, values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": {"zz": Values.of("int32", (), [1])}}, "input 'zz' is no parameter"),
        ({"inputs": {"n": Values.of("int64", (), [1])}}, r"takes int32 of shape \[\]"),
        ({"inputs": {"w": Values.of("float32", (2, 1), [1, 1])}}, r"takes float32 of shape \[2, 1, 3\]"),
        ({"inputs": {"n": Values.of("int32", (), [1])}}, "no input for x, y, w"),
        ({"cotangents": {"q": Values.of("int32", (), [1])}}, "cotangent 'q' is no parameter"),
    ],
)
def test_values_must_fit_the_parameters_of_the_kernel(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DamagedCase, match=said):
        check_case(case(**changes))


def test_a_case_that_needs_no_launch_has_no_inputs() -> None:
    check_case(case(kind="rejected", inputs={}, cotangents={}))


@pytest.mark.parametrize("bucket", ["", ".", "..", "../x", "a/b", "a\n", "a b", "x" * 129, "-x"])
def test_a_bucket_names_one_folder_and_no_other(bucket: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        case(bucket=bucket)


def test_evidence_is_plain_json_and_finite() -> None:
    assert plain_json({"a": (1, math.nan, [None, -math.inf, True])}) == {"a": [1, "nan", [None, "-inf", True]]}
    with pytest.raises(TypeError, match="JSON"):
        plain_json({1: 2})
    with pytest.raises(TypeError, match="JSON"):
        plain_json(object())
    with pytest.raises(ValueError, match="evidence"):
        case(evidence={"seen": math.nan})


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"schema":1}', b"[" * 100_000, b'{"schema":1,"program":' + b"[" * 100_000]
)
def test_what_is_no_case_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(DamagedCase, match="not a case"):
        decode_case(text)


def test_a_case_with_a_tree_without_meaning_is_damage() -> None:
    bad = msgspec.structs.replace(program(), body=(Assign(LANE, Apply(FLOAT32, "add", ())),))
    with pytest.raises(DamagedCase, match="no meaning"):
        check_case(case(program=bad))


def test_a_case_of_an_older_schema_is_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_form, "UPGRADES", {0: lambda plain: {**plain, "schema": 1}})
    assert decode_case(altered(encode_case(case()), schema=0)) == case()
    with pytest.raises(DamagedCase, match="schema 2"):
        decode_case(altered(encode_case(case()), schema=2))


# ---------------------------------------------------------------- export


def test_an_export_has_five_fields_and_numbers_its_rows(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    assert export_jsonl((record(program(name)) for name in "ab"), out) == 2
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [list(row) for row in rows] == [["id", "kernel_name", "python", "cpp", "type"]] * 2
    assert [(row["id"], row["kernel_name"], row["type"]) for row in rows] == [
        (0, "a", "loop"),
        (1, "b", "loop"),
    ]
    assert rows[0]["python"] == record(program("a")).python
    assert rows[0]["cpp"] == "void k() {}\n"


def test_an_export_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    out.write_text("old")

    def failing() -> Any:
        yield record()
        raise CorpusError("line 2 is damaged")

    with pytest.raises(CorpusError, match="line 2"):
        export_jsonl(failing(), out)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("pairs.jsonl", "old")]


def test_an_export_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot write .*missing/out\.jsonl: No such file"):
        export_jsonl([record()], tmp_path / "missing" / "out.jsonl")
    with pytest.raises(CorpusError, match="cannot write"):
        export_jsonl([record()], tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- statistics


def test_a_summary_counts_what_there_is() -> None:
    rows = [
        record(program("a"), cpp="é", gradients_checked=0.5, median_gradient_tolerance=1e-3),
        record(program("b"), cpp="1234", gradients_checked=1.0, median_gradient_tolerance=3e-3),
        record(program("c", operator="sub"), cpp="123", cells_checked=0.5, tier="forward", reason="limit"),
        record(program("d", category="branch", operator="div"), cpp=""),
    ]
    summary = summarise(iter(rows))
    assert list(summary.categories) == ["branch", "loop"]
    loop = summary.categories["loop"]
    assert (loop.rows, loop.backward, loop.structures, loop.outlines, loop.duplicates) == (3, 2, 2, 1, 1)
    assert loop.median_statements == 7
    assert loop.mean_cpp_bytes == 3
    assert loop.cells_checked is not None
    assert (loop.cells_checked.smallest, loop.cells_checked.median) == (0.5, 1.0)
    assert loop.gradients_checked is not None
    assert (loop.gradients_checked.smallest, loop.gradients_checked.median) == (0.5, 0.75)
    assert loop.median_gradient_tolerance == pytest.approx(2e-3)
    assert loop.features["op:mul"] == 2
    assert loop.features["op:sub"] == 1
    assert "op:div" not in loop.features
    assert list(loop.features) == sorted(loop.features)
    assert (summary.total.rows, summary.total.structures, summary.total.outlines) == (4, 3, 1)
    assert summary.total.features["op:sin"] == 4


def test_a_summary_of_nothing_has_no_figures() -> None:
    summary = summarise([])
    assert summary.categories == {}
    assert summary.total.rows == 0
    assert summary.total.median_nodes is None
    assert summary.total.cells_checked is None
    assert msgspec.json.encode(summary)
