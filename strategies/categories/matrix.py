"""Matrices of two to four rows and columns: products, inverses, determinants, rows, elements, constructors."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))

#: Sizes, three first as the commonest.
SIZES = (3, 2, 4)
#: Of 100 kernels, how many are about square matrices.
SQUARE = 55


def body(sketch: Sketch) -> Iterator[Statement]:
    """Locals, products and other operations on matrices of one or two shapes, then one more, stored."""
    dice = sketch.dice
    rows, columns = dice.one_of(SIZES), dice.one_of(SIZES)
    if dice.chance(SQUARE):
        columns = rows
    forms = {f"mat{rows}{columns}", f"vec{rows}", f"vec{columns}"}
    if rows != columns:
        forms.add(f"mat{columns}{rows}")
        if dice.chance(40):
            forms.add(f"mat{rows}{rows}")
    yield from composites.body(sketch, sorted(forms), [form for form in sorted(forms) if form.startswith("mat")])
