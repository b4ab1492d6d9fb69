"""Lines that are given as text: what they mean, what is known of their values, and how they are spelled."""

from __future__ import annotations

import pytest

from strategies.dice import Dice
from strategies.intervals import Interval
from strategies.language import types
from strategies.language.hashing import structure_hash
from strategies.language.nodes import Apply, Cast, Literal, Name, Program, decode, encode, walk
from strategies.language.render import expression, statements
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, INT32, Scalar
from strategies.repertoire.ideas.precisions import Widened
from strategies.repertoire.phrases import Phrase
from strategies.scope import Variable
from strategies.statements import Sketch
from strategies.weights import WEIGHTS

UINT32 = types.scalar("uint32")


def simplest(strategy: object) -> int:
    return 0


@pytest.fixture
def phrase() -> Phrase:
    """Lines of a kernel over twelve threads, all choices the first."""
    sketch = Sketch(Dice(simplest), (12,), FLOAT32, WEIGHTS)
    sketch.begin()
    sketch.indices.append(sketch.scope.add(Variable("tid", INT32, Interval(0, 11))))
    return Phrase(sketch)


def text(phrase: Phrase) -> str:
    return "\n".join(statements(phrase.body))


def test_names_are_locals_and_numbers_have_the_type_of_what_they_stand_beside(phrase: Phrase) -> None:
    phrase.whole = UINT32
    phrase.array("bits", UINT32, 0, 2**32 - 1).write("h = bits[i]\nh ^= h >> 16\nh = (h << 3) | 5")
    assert text(phrase) == (
        "b = a[tid]\nb ^= b >> wp.uint32(16)\nb = b << wp.uint32(3) | wp.uint32(5)"
    )  # fmt: skip


def test_what_has_the_name_of_something_else_before_is_another_local(phrase: Phrase) -> None:
    phrase.array("group", INT32, 0, 5).array("x", FLOAT32, -1.0, 1.0)
    phrase.write("v = group[i]\nn = v").write("v = x[i]\nv = v * 2.0\nw = v")
    assert text(phrase) == "b = a[tid]\nc = b\ne = d[tid]\ne = e * 2.0\nf = e"


def test_parameters_that_nothing_reads_are_not_made(phrase: Phrase) -> None:
    phrase.array("x", FLOAT32, -1.0, 1.0).array("y", FLOAT32, -1.0, 1.0).parameter("s", FLOAT32, 0.0, 1.0)
    phrase.write("v = x[i]")
    assert len(phrase.sketch.parameters) == 1


@pytest.mark.parametrize(
    ("expression_", "low", "high"),
    [
        ("n & 15", 0, 15),
        ("n % 8", 0, 7),
        ("n >> 4", 0, 6),
        ("n // 10", 0, 10),
        ("n * n", 0, 10000),
        ("(n + 7) & ~7", 0, 127),
    ],
)
def test_more_is_known_of_bits_than_of_operands(phrase: Phrase, expression_: str, low: int, high: int) -> None:
    phrase.array("cells", INT32, 0, 100).write("n = cells[i]")
    value = phrase.value(expression_)
    assert value.interval.within(Interval(low, high))


def test_a_test_says_what_its_names_are(phrase: Phrase) -> None:
    phrase.line("x", FLOAT32, -1.0, 1.0)
    value = phrase.value("x[i - 1] if i > 0 else 0.0")
    assert expression(value.node) == "a[tid - 1] if tid > 0 else 0.0"
    with pytest.raises(AssertionError, match="i - 1"):
        phrase.value("x[i - 1]")


@pytest.mark.parametrize(
    "test",
    [
        "k >= 0 and k < 6 and x[k] > 0.5",
        "k < 0 or k >= x.shape[0] or x[k] > s",
        "not (0 <= k < 6) or x[k] > s",
        "s > 0.5 and 0 <= k < 6 and s < x[k]",
        "x[k] > s if not (k < 0 or k > 5) else False",
    ],
)
def test_an_operand_is_read_where_those_before_it_let_it_be(phrase: Phrase, test: str) -> None:
    phrase.array("links", INT32, -1, 9).array("x", FLOAT32, -1.0, 1.0, (6,)).parameter("s", FLOAT32, 0.0, 1.0)
    phrase.write(f"k = links[i]\nhit = {test}")
    with pytest.raises(AssertionError, match="k"):
        phrase.value("x[k]")


def test_the_place_of_a_thread_is_all_of_its_indices_where_an_array_has_them() -> None:
    sketch = Sketch(Dice(simplest), (3, 4), FLOAT32, WEIGHTS)
    sketch.begin()
    for name, extent in (("i", 3), ("j", 4)):
        sketch.indices.append(sketch.scope.add(Variable(name, INT32, Interval(0, extent - 1))))
    lines = Phrase(sketch)
    lines.array("x", FLOAT32, -1.0, 1.0, (3, 4, 5)).array("row", FLOAT32, -1.0, 1.0, (3, 5))
    lines.array("y", FLOAT32, -1.0, 1.0).write("v = x[i, 2] + row[i, 2] + y[i]")
    assert text(lines) == "d = b[i, j, 2] + c[i, 2] + a[i, j]"


def test_floats_that_are_kept_narrow_are_converted_where_they_are_read(phrase: Phrase) -> None:
    lines = Widened(phrase.sketch, FLOAT16, FLOAT32)
    lines.array("x", FLOAT32, -1.0, 1.0).array("n", INT32, 0, 3).write("v = 2.0 * x[i] + F(n[i])")
    assert text(lines) == "c = 2.0 * wp.float32(a[tid]) + wp.float32(b[tid])"


def test_an_array_is_read_or_not(phrase: Phrase) -> None:
    phrase.array("x", FLOAT32, -1.0, 1.0)
    assert not phrase.reads("x")
    phrase.write("v = x[i]")
    assert phrase.reads("x")


def test_a_divisor_that_a_test_keeps_from_zero_needs_no_guard(phrase: Phrase) -> None:
    phrase.array("counts", INT32, 0, 6).array("x", FLOAT32, -1.0, 1.0).write("n = counts[i]")
    assert "max" not in expression(phrase.value("x[i] / F(n) if n > 0 else 0.0").node)
    assert "max" in expression(phrase.value("10 // n").node)


def test_a_name_that_every_arm_gives_its_first_value_is_known_after_them(phrase: Phrase) -> None:
    phrase.array("x", FLOAT32, -1.0, 1.0)
    phrase.write("if x[i] > 0.0:\n    v = x[i] + 3.0\nelif x[i] > -0.5:\n    v = 0.5\nelse:\n    v = x[i]")
    assert phrase.known("v").interval == Interval(-1.0, 4.0)
    assert phrase.known("v").live
    phrase.write("if x[i] > 0.0:\n    w = x[i]")
    assert not phrase.has("w")


def test_what_a_way_out_leaves_holds_after_it(phrase: Phrase) -> None:
    phrase.parameter("n", INT32, 1, 12).write("if i >= n:\n    return")
    assert phrase.value("i").interval == Interval(0, 11)
    phrase.array("counts", INT32, 0, 6).write("m = counts[i]\nif m == 0:\n    return")
    assert phrase.known("m").interval == Interval(1, 6)


def test_a_local_of_a_loop_is_known_for_all_iterations(phrase: Phrase) -> None:
    phrase.array("cells", INT32, 0, 9).write("n = cells[i]\nh = 0\nfor k in range(4):\n    h += n")
    assert phrase.known("h").interval.within(Interval(0, 36))
    assert "int(0)" in text(phrase)


def test_euclid_ends_and_divides_by_no_zero(phrase: Phrase) -> None:
    phrase.array("u", INT32, 0, 60).array("v", INT32, 0, 40).write("a = u[i]\nb = v[i]")
    phrase.write("while b > 0:\n    r = a % b\n    a = b\n    b = r")
    assert phrase.known("a").interval.within(Interval(0, 60))
    assert "max" not in text(phrase)


@pytest.mark.parametrize("of", [FLOAT16, FLOAT32, FLOAT64], ids=repr)
def test_a_number_of_a_phrase_stays_as_it_is_written(phrase: Phrase, of: Scalar) -> None:
    """A double of few binary digits would look the same if it were a single for a while."""
    assert phrase.value("0.1", of).node == Literal(of, 0.1)
    assert phrase.value("-1e-9", of).node == Literal(of, -1e-9)


# ---------------------------------------------------------------- spelling


def test_conversions_and_masks_have_two_spellings() -> None:
    x, n = Name(FLOAT32, "x"), Name(INT32, "n")
    assert expression(Cast(INT32, x)) == "wp.int32(x)"
    assert expression(Cast(INT32, x, short=True)) == "int(x)"
    assert expression(Literal(UINT32, 255, hexadecimal=True)) == "wp.uint32(0xFF)"
    shifted = Apply(INT32, "lshift", (n, Literal(INT32, 8)))
    assert expression(Apply(INT32, "bit_or", (shifted, n))) == "n << 8 | n"
    enclosed = Apply(INT32, "lshift", shifted.arguments, enclosed=True)
    assert expression(Apply(INT32, "bit_or", (enclosed, n))) == "(n << 8) | n"


def test_spelling_is_kept_in_json_and_is_no_structure() -> None:
    from strategies import draw

    drawn = [p for n in range(20) if (p := draw("bitwise", 5, n)) is not None]
    spelled_ = [p for p in drawn if any(isinstance(n, Apply) and n.enclosed for n in walk(p))]
    assert spelled_
    for program in spelled_:
        assert decode(encode(program)) == program
        assert structure_hash(_plain(program)) == structure_hash(program)


def _plain(program: Program) -> Program:
    import msgspec

    from strategies.language.nodes import rebuild

    def change(node: object) -> object:
        new = rebuild(node, change)  # type: ignore[arg-type]
        return msgspec.structs.replace(new, enclosed=False) if isinstance(new, Apply) else new

    return change(program)  # type: ignore[return-value]
