"""What ideas about several precisions share: pairs of types, loops over rows that are kept in one of them, stores."""

from __future__ import annotations

from typing import Final

from strategies.language import types
from strategies.language.types import FLOAT16, FLOAT32, FLOAT64, Scalar
from strategies.repertoire.ideas.numbers import scalar
from strategies.repertoire.phrases import Phrase

#: What is stored, and what is computed in.
PAIRS: Final = ((FLOAT16, FLOAT32), (FLOAT32, FLOAT64), (FLOAT32, FLOAT64), (FLOAT16, FLOAT64))
#: Factors that every type of floats rounds in its own way: a double that was a single for a while shows.
DECIMALS: Final = (0.1, 0.3, 0.7, 0.9, 1.1)
#: What is added to a number near one so that it shows in that type, and in no narrower one.
TINY: Final = {"float16": "0.001", "float32": "1e-06", "float64": "1e-09"}


def loop(p: Phrase, before: str, count: int, lines: str, of: str, axis: int) -> None:
    """`before`, and `lines` for each of `count` elements of an axis of an array."""
    stop = p.dice.one_of((str(count), f"{of}.shape[{axis}]"))
    inner = "\n".join(f"    {line}" for line in lines.splitlines())
    p.write(f"{before}\nfor k in range({stop}):\n{inner}")


def rows(p: Phrase, count: int) -> tuple[tuple[int, ...], int]:
    """The shape of an array with a row of `count` for each thread, and the axis of those; one for each first index
    where no axis is left."""
    launch = p.sketch.launch if len(p.sketch.launch) < types.MAX_ARRAY_DIMENSIONS else p.sketch.launch[:1]
    return (*launch, count), len(launch)


def series(p: Phrase, name: str, of: Scalar, count: int, span: float = 1.0) -> tuple[str, int]:
    """What a loop at `k` reads: a table for all threads, or a row of each; and which axis the loop is over."""
    shape, axis = rows(p, count)
    if p.dice.chance(55):
        shape, axis = (count,), 0
    p.array(name, of, -span, span, shape)
    return (f"{name}[i, k]" if axis else f"{name}[k]"), axis


def narrow(p: Phrase, wide: Scalar, narrow: Scalar, text: str) -> None:
    """Store what was computed in one precision in another, scaled, squashed or beside something else at times."""
    dice = p.dice
    p.real = wide
    if dice.chance(75):
        if not text.isidentifier():
            p.write(f"res = {text}")
            text = "res"
        p.array("more", narrow, -1.0, 1.0)
        by = scalar(p, "by", 0.25, 1.0, DECIMALS, 55)
        if by == "by" and dice.chance(35):
            p.drawn("by", wide)
        more, tiny = f"{wide.notation}(more[i])", TINY[wide.notation]
        how = (
            f"{text} * {by}", f"{text} + {more}", f"{text} * {more}", f"{text} - {by}", f"tanh({text})",
            f"max({text}, {tiny})", f"{by} * {text} + {more}", f"{text} + {by} * ({more} - {text})",
            f"{text} / (1.0 + abs({text}))", f"{more} - {text}", f"{text} * {text}", f"({text} - {more}) * {by}",
            f"({text} + {tiny}) * {more}",
            f"sqrt({text} * {text} + 0.25)", f"exp(-abs({text}))",
        )  # fmt: skip
        if dice.chance(25):
            p.output("full", wide).write(f"full[i] = {text}")
        text = dice.one_of(how)
    p.output("out", narrow)
    stored = text if narrow is wide else f"{narrow.notation}({text})"
    p.write(f"out[i] += {stored}" if dice.chance(12) else f"out[i] = {stored}")
