"""`warpsmith coverage`: how much of the installed Warp the op table and a corpus cover, overload by overload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from corpus.record import Record
from corpus.store import Store
from harness.commands.shared import Corpus, Json, existing_corpus
from harness.registry import BuiltIn, Use, met, program_uses, read_registry, table_uses

_MESHES: Final = "needs meshes, hash grids or volumes that live outside of a kernel"
_THREADS: Final = "is for blocks of several threads, which the CPU has not"
_STACKS: Final = ("tile_stack", *(f"tile_stack_{name}" for name in ("push", "pop", "clear", "count")))
_QUERIES: Final = (
    "tile_bvh_query_aabb", "tile_bvh_query_ray", "tile_bvh_query_next", "tile_query_valid", "tile_mesh_query_aabb",
    "tile_mesh_query_aabb_next",
)  # fmt: skip
_FABRIC: Final = "takes arrays that only Omniverse's Fabric makes"
_REMOVED: Final = "removed from Warp"
#: Why the table leaves out what it does, by name or by group.
LEFT_OUT: Final = {
    "Tile Primitives": "not drawn yet",
    **dict.fromkeys(("tile", "untile", "tile_from_thread"), f"{_THREADS}: of one thread there is nothing to share"),
    **dict.fromkeys(("tile_randi", "tile_randf"), f"{_THREADS}: which number a thread draws is not documented"),
    **dict.fromkeys(_STACKS, f"{_THREADS}: in which order they push is not known"),
    **dict.fromkeys(("tile_scatter_add", "tile_scatter_masked"), f"{_THREADS}, each of which has a value of its own"),
    "tile_empty": "holds what happens to be there",
    **dict.fromkeys(_QUERIES, _MESHES),
    "Geometry": _MESHES,
    **dict.fromkeys(("closest_point_edge_edge", "intersect_tri_tri"), "not drawn yet"),
    "Volumes": "needs sparse volumes",
    "Textures": "needs textures",
    "Code Generation": "acts while a kernel is compiled",
    "printf": "prints", "print": "prints", "breakpoint": "stops in a debugger",
    "expect_near": "compares and prints", "expect_eq": "compares and prints", "expect_neq": "compares and prints",
    "select": f"{_REMOVED} in favour of `where`", "matrix": f"{_REMOVED} in favour of `transform_compose`",
    "array": "makes an array from an address", "zeros": "drawn as an array of a thread's own, not as a row",
    "block_dim": "depends on how a kernel is launched",
    "cast": "reinterprets bits as a type that it is given",
    **dict.fromkeys(("svd2", "qr3", "quat_to_axis_angle"), "writes to its arguments what the other form returns"),
    "svd3": "approximate, to an accuracy that is not documented",
    "eig3": "approximate, and its factors are unique up to order and signs alone",
    "where": "takes an array, which is never null here", "unot": "takes an array, which is never null here",
    "lower_bound": "takes a sorted array", "len": "drawn as `a.shape[0]`, and of tuples a constant",
    "static": "drawn as `wp.static(…)`, not as a row",
    "sample_cdf": "takes an array",
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """A group of Warp's documentation: its public overloads, and those that are covered."""

    name: str
    overloads: int
    #: those that a kernel of arrays and numbers can call on the CPU: not those that Warp removed, or that take Fabric's
    #: arrays; of tiles not those for meshes or for blocks of several threads
    callable: int
    table: int
    corpus: int
    #: overloads that Warp says are differentiable, and those in a pair of the corpus whose gradients are verified
    differentiable: int
    verified: int
    #: what the table does not have, with the reason if there is one
    missing: list[tuple[str, str]]


def coverage(corpus: Corpus = None, json: Json = False) -> int:
    """Compare the op table, and a corpus given with --corpus, with the built-ins of the installed Warp."""
    version, registry = read_registry()
    table = met(registry, table_uses())
    records = list(Store.open(existing_corpus(corpus), write=False).records()) if corpus is not None else []
    used = met(registry, _uses(records, gradients=False))
    verified = met(registry, _uses(records, gradients=True))
    groups = [
        _group(name, [b for b in registry if b.group == name], table, used, verified)
        for name in sorted({b.group for b in registry})
    ]
    if json:
        print(msgspec.json.encode({"version": version, "groups": groups}).decode(), flush=True)
    else:
        _print(version, groups, with_corpus=corpus is not None)
    return 0


def _uses(records: list[Record], gradients: bool) -> Iterator[Use]:
    for record in records:
        if not gradients or record.verification.tier == "backward":
            yield from program_uses(record.program)


def _group(name: str, members: list[BuiltIn], table: set[BuiltIn], used: set[BuiltIn], verified: set[BuiltIn]) -> Group:
    smooth = [b for b in members if b.differentiable]
    return Group(
        name=name,
        overloads=len(members),
        callable=sum(b in table or not _reason(b).startswith(_not_here(name)) for b in members),
        table=sum(b in table for b in members),
        corpus=sum(b in used for b in members),
        differentiable=len(smooth),
        verified=sum(b in verified for b in smooth),
        missing=[(str(b), _reason(b)) for b in members if b not in table],
    )


def _not_here(group: str) -> tuple[str, ...]:
    """How the reason begins why nothing here can call a built-in of a group."""
    return (_FABRIC, _REMOVED, *((_MESHES, _THREADS) if group == "Tile Primitives" else ()))


def _reason(built_in: BuiltIn) -> str:
    if any("fabric" in kind.name for kind in built_in.arguments):
        return _FABRIC
    if built_in.name not in LEFT_OUT and any(kind.name == "tile" for kind in built_in.arguments):
        return LEFT_OUT["Tile Primitives"]
    return LEFT_OUT.get(built_in.name, LEFT_OUT.get(built_in.group, ""))


def _share(group: Group) -> str:
    return f"{group.table / group.callable:.0%}" if group.callable else ""


def _print(version: str, groups: list[Group], with_corpus: bool) -> None:
    shown = Table(title=f"Public overloads of the built-ins of Warp {version}")
    shown.add_column("group")
    for column in (
        "in Warp",
        "callable",
        "in the table",
        "",
        *(("in the corpus", "gradients verified") if with_corpus else ()),
    ):
        shown.add_column(column, justify="right")
    for group in groups:
        cells = [group.name, f"{group.overloads}", f"{group.callable}", f"{group.table}", _share(group)]
        used = [f"{group.corpus}", f"{group.verified} of {group.differentiable}"]
        shown.add_row(*cells, *(used if with_corpus else []))
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(shown)
    for group in groups:
        for built_in, reason in group.missing:
            console.print(f"not in the table: {built_in}" + (f": {reason}" if reason else ""), highlight=False)
