"""Matrices: products, determinants, inverses, and matrices made of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from strategies import intervals
from strategies.intervals import Interval, Rule, symmetric
from strategies.language.types import Scalar
from strategies.ops import algebra, domains
from strategies.ops.signatures import ALL_LENGTHS, FLOAT, NUMBER, Signature
from strategies.ops.spec import Domain, Dominant, OpSpec, Place, Rounding, Values

#: The largest number of terms in a sum of products.
_TERMS: Final = 6


def _inverse_slope(a: Values) -> tuple[Values, ...]:
    """The derivatives of an inverse are products of two of its entries, each off by a few roundings."""
    size = np.abs(np.linalg.inv(a.astype(np.float64))).max(axis=(-2, -1))
    return (8 * size**2,)


def row(
    name: str,
    function: Callable[..., Values],
    signatures: tuple[Signature, ...],
    interval: Rule,
    domain: Domain,
    group: str = "Vector Math",
    **more: Any,
) -> OpSpec:
    """A row whose reference is made of several operations on matrices."""
    more = {"composite": True, **more}
    return OpSpec(
        name=name, group=group, signatures=signatures, reference=function, interval=interval, domain=domain,
        shaped=True, **more,
    )  # fmt: skip


def moved(name: str, function: Callable[..., Values], signatures: tuple[Signature, ...], **more: Any) -> OpSpec:
    """A row that puts numbers in other places, and zeros or signs beside them."""
    more = {"interval": intervals.same, "domain": domains.anywhere(2), **more}
    return row(name, function, signatures, composite=False, exact=True, ulps=0.0, **more)


def products(a: Interval, b: Interval) -> Interval:
    """Sums of up to six products."""
    return symmetric(_TERMS * a.size * b.size)


def product_factors(t: Scalar) -> tuple[Place, ...]:
    """Factors of which six products may be summed."""
    return (domains.reaching(t, domains.FACTOR[t.notation] / (1 if t.kind == "uint" else 2.5)),) * 2


def _with_zero(a: Interval, *_: Interval) -> Interval:
    return a.join(Interval(0, 0))


def _joined_interval(*parts: Interval) -> Interval:
    found = parts[0]
    for part in parts[1:]:
        found = found.join(part)
    return found


def _stacked(axis: int) -> Callable[..., Values]:
    return lambda *parts: np.stack(np.broadcast_arrays(*parts), axis=axis)


def _made_of(count: int, rows: bool) -> Signature:
    return Signature(("V",) * count, f"mat {count} n" if rows else f"mat n {count}", NUMBER)


def _small(reach: float) -> Domain:
    return lambda t: (symmetric(min(reach, domains.FACTOR[t.notation])),)


def _ddot(r: Rounding, a: Values, b: Values) -> Values:
    flat = (*a.shape[:-2], -1)
    return algebra.dot(r, a.reshape(flat), b.reshape((*b.shape[:-2], -1)))


_SQUARE_SIZES: Final = (2, 3, 4)
_M: Final = Signature(("M",), "mat m n", NUMBER)
_SPATIAL: Final = ("mat 6 6", "vec 6")

ROWS: Final[tuple[OpSpec, ...]] = (
    row(
        "mul",
        algebra.matvec,
        (Signature(("M", "vec m"), "V", NUMBER), Signature(_SPATIAL, "vec 6", FLOAT)),
        products,
        product_factors,
        "Operators",
    ),
    row(
        "mul",
        algebra.vecmat,
        (Signature(("V", "M"), "vec m", NUMBER), Signature(("vec 6", "mat 6 6"), "vec 6", FLOAT)),
        products,
        product_factors,
        "Operators",
    ),
    row(
        "mul",
        algebra.matmul,
        (
            Signature(("M", "mat m k"), "mat n k", NUMBER),
            Signature(("mat 6 6", "mat 6 6"), "mat 6 6", FLOAT),
        ),
        products,
        product_factors,
        "Operators",
    ),
    moved("transpose", algebra.transpose, (_M, Signature(("mat 6 6",), "mat 6 6", FLOAT))),
    moved("diag", algebra.diagonal, (Signature(("V",), "S", NUMBER, ALL_LENGTHS),), interval=_with_zero),
    moved(
        "get_diag",
        lambda a: np.diagonal(a, axis1=-2, axis2=-1),
        (Signature(("S",), "V", NUMBER, ALL_LENGTHS),),
    ),
    moved(
        "skew",
        algebra.skew,
        (Signature(("vec 3",), "mat 3 3", ("int8", "int16", "int32", "int64", *FLOAT)),),
        interval=lambda a: symmetric(a.size),
    ),
    *(
        moved(
            name,
            _stacked(-2 if rows else -1),
            tuple(_made_of(n, rows) for n in _SQUARE_SIZES),
            interval=_joined_interval,
            domain=domains.anywhere(4),
        )
        for name, rows in (("matrix_from_rows", True), ("matrix_from_cols", False))
    ),
    row(
        "outer",
        algebra.outer,
        (Signature(("V", "vec m"), "M", NUMBER),),
        intervals.mul,
        domains.factors,
        composite=False,
        exact=True,
    ),
    row(
        "trace",
        lambda r, a: algebra.total(r, np.diagonal(a, axis1=-2, axis2=-1)),
        (Signature(("S",), "T", NUMBER, ALL_LENGTHS),),
        lambda a: Interval(min(_TERMS * a.low, a.low), max(_TERMS * a.high, a.high)),
        lambda t: (domains.reaching(t, domains.REACH[t.notation] / (1 if t.kind == "uint" else 8)),),
    ),
    row(
        "ddot",
        _ddot,
        (Signature(("M", "M"), "T", NUMBER),),
        lambda a, b: symmetric(16 * a.size * b.size),
        lambda t: (domains.reaching(t, domains.FACTOR[t.notation] / (1 if t.kind == "uint" else 4.5)),) * 2,
    ),
    row(
        "determinant",
        algebra.determinant,
        (Signature(("S",), "T", FLOAT),),
        lambda a: symmetric(24 * max(a.size, 1) ** 4),
        _small(2.0),
    ),
    *(
        row(
            name,
            algebra.inverse,
            (Signature(("S",), "S", FLOAT),),
            intervals.constant(-1, 1),
            lambda _: (Dominant(0.5),),
            adjoint_noise=_inverse_slope,
        )
        for name in ("inverse", "inverse_approx")
    ),
    *(
        row(
            name,
            function,
            (Signature(("mat 4 4", "vec 3"), "vec 3", FLOAT),),
            lambda a, b: symmetric(3 * a.size * b.size + a.size),
            product_factors,
        )
        for name, function in (
            ("transform_point", lambda r, m, v: r(algebra.matvec(r, m[..., :3, :3], v) + m[..., :3, 3])),
            ("transform_vector", lambda r, m, v: algebra.matvec(r, m[..., :3, :3], v)),
        )
    ),
    OpSpec(
        name="identity",
        group="Vector Math",
        signatures=(Signature((), "S", NUMBER),),
        reference=lambda of: np.eye(of.rows).reshape(1, 1, 1, -1),
        interval=intervals.constant(0, 1),
        domain=lambda _: (),
        exact=True,
        ulps=0.0,
        differentiable=False,
        flat=True,
    ),
)
