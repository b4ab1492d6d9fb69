"""The texts that Warp's front end is given: a function of a seed and an index."""

from __future__ import annotations

import ast
import random
from typing import Final

from harness.frontend import foreign
from harness.frontend.edits import edit, put_in, replace_somewhere
from harness.frontend.harmless import parsed
from strategies import draw
from strategies.categories import CATEGORIES
from strategies.language.render import render

ENTRY: Final = "edited"
#: Edits of one kernel, at most.
MAX_EDITS: Final = 3
#: Pieces of hypothesmith's in one kernel, at most.
MAX_PIECES: Final = 3
#: The share of texts with pieces of hypothesmith's, and of those the share that has nothing else.
FOREIGN: Final = 0.35
BARE: Final = 0.5
#: A kernel and a function of which the body is to be written.
STUB: Final = """\
import warp as wp


@wp.func
def helper(v: wp.vec3f, n: wp.int32, y: wp.float32):
    pass


@wp.kernel
def edited(x: wp.array(dtype=wp.float32), v: wp.vec3f, n: wp.int32, y: wp.float32):
    i = wp.tid()
    helper(v, n, y)
"""


def edited(seed: int, index: int) -> str | None:
    """The source of an edited kernel, a function of both numbers; None if nothing harmless that parses was drawn."""
    dice = random.Random(f"{seed}/{index}")
    strange = dice.random() < FOREIGN and foreign.available()
    text = STUB if strange and dice.random() < BARE else _kernel(seed, index, dice)
    if text is None:
        return None
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if strange:
        for number in range(dice.randint(1, MAX_PIECES)):
            function = dice.choice(functions)
            new = foreign.pieces(f"{seed}/{index}/{number}", _names(function), dice)
            if len(new) == 1 and isinstance(new[0], ast.Expr) and dice.random() < 0.7:
                replace_somewhere(function, new[0].value, dice)
            else:
                put_in(function, new, dice)
    for _ in range(dice.randint(0 if strange else 1, MAX_EDITS)):
        # Mostly the kernel: a function that nothing calls is not looked at.
        edit(dice.choice([functions[-1], functions[-1], *functions]), dice)
    try:
        made = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (ValueError, RecursionError):
        return None
    return made if parsed(made) is not None else None


def _kernel(seed: int, index: int, dice: random.Random) -> str | None:
    program = draw(dice.choice(sorted(CATEGORIES)), seed, index)
    return None if program is None else render(program, ENTRY)


def _names(function: ast.FunctionDef) -> list[str]:
    """What stands for something in a function."""
    locals_ = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return [*sorted({*locals_, *(a.arg for a in function.args.args)} - {"static"}), "wp", "range", "len", "print"]
