"""Atomics: which arrays they take, and what the bitwise ones compute."""

from __future__ import annotations

from typing import Final

from strategies.ops.signatures import FLOAT

#: The scalar types whose arrays each atomic takes, as its documentation and its error message say.
ATOMICS: Final = {
    "atomic_add": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_sub": ("int32", "uint32", "int64", "uint64", *FLOAT),
    "atomic_min": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_max": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_cas": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_exch": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "atomic_and": ("int32", "uint32", "int64", "uint64"),
    "atomic_or": ("int32", "uint32", "int64", "uint64"),
    "atomic_xor": ("int32", "uint32", "int64", "uint64"),
}
#: Those that put a value into a cell without adding it, or taking an extreme.  Warp documents none as differentiable.
EXCHANGES: Final = frozenset(("atomic_cas", "atomic_exch", "atomic_and", "atomic_or", "atomic_xor"))
