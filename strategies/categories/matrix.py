"""Matrices of two to four rows and columns: affine maps, forms, covariances, strains, systems, products, parts."""

from collections.abc import Iterator

from strategies import composites
from strategies.language.nodes import Statement
from strategies.repertoire.products import PRODUCTS
from strategies.statements import Sketch

#: What each of these kernels may draw.
DISTINCTIVE = frozenset(("component", "construct"))

#: Sizes, three first as the commonest.
SIZES = (3, 2, 4)
#: Of 100 kernels, how many are about square matrices.
SQUARE = 55


def body(sketch: Sketch) -> Iterator[Statement]:
    """What people compute with small matrices, or operations on those of one or two shapes, stored."""
    dice = sketch.dice
    rows, columns = dice.one_of(SIZES), dice.one_of(SIZES)
    if dice.chance(SQUARE):
        columns = rows
    forms = {f"mat{rows}{columns}", f"vec{rows}", f"vec{columns}"}
    if rows != columns:
        forms.add(f"mat{columns}{rows}")
        if dice.chance(40):
            forms.add(f"mat{rows}{rows}")
    main = [form for form in sorted(forms) if form.startswith("mat")]
    yield from composites.body(sketch, sorted(forms), main, PRODUCTS, (rows, columns))
