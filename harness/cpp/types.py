"""The types of the kernel language as Warp's C++ spells them."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.language.nodes import Program
from strategies.language.types import Array, Matrix, Quaternion, Scalar, Transform, Type, Vector


def cpp_type(of: Type) -> str:
    """The C++ type of a number, a value of several numbers, or an array, without spaces; `TypeError` for others."""
    match of:
        case Scalar():
            return "bool" if of.kind == "bool" else f"wp::{of.notation}"
        case Vector():
            return f"wp::vec_t<{of.length},{cpp_type(of.dtype)}>"
        case Matrix():
            return f"wp::mat_t<{of.rows},{of.columns},{cpp_type(of.dtype)}>"
        case Quaternion():
            return f"wp::quat_t<{cpp_type(of.dtype)}>"
        case Transform():
            return f"wp::transform_t<{cpp_type(of.dtype)}>"
        case Array():
            return f"wp::array_t<{cpp_type(of.dtype)}>"
    raise TypeError(f"{of!r} has no C++ type that is known here")


def told_apart(program: Program) -> Mapping[str, str]:
    """What tells the launched instance of a generic kernel from its others: the types of its generic parameters."""
    return {p.name: cpp_type(p.type) for p in program.parameters if p.generic}
