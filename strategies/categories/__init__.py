"""The categories of kernels: one module each, `CATEGORIES` the registry of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Final

from strategies.categories import (
    access,
    atomics,
    bitwise,
    boolean,
    branch,
    builtin,
    compound,
    constant,
    control_flow,
    conversion,
    custom_gradient,
    dynamic_loop,
    elementwise,
    function,
    gather_scatter,
    generic,
    idiom,
    indexed_array,
    inplace,
    integer,
    local_array,
    loop,
    loop_exit,
    lvalue,
    matrix,
    module_option,
    multi_dim,
    multi_statement,
    nested_branch,
    precision,
    quaternion,
    random,
    reduction,
    scalar_array,
    spatial,
    stencil,
    struct,
    ternary,
    tile,
    transform,
    unary,
    vector,
    while_loop,
)
from strategies.categories import tuple as tuples
from strategies.kernel import Body


@dataclass(frozen=True)
class Category:
    """A kind of kernel: its name, what draws its statements, its own launches if any, and the features that none of its
    programs does without (`strategies.swarm`)."""

    name: str
    body: Body
    launches: tuple[tuple[int, ...], ...] = ()
    distinctive: frozenset[str] = frozenset()


def _category(module: ModuleType) -> Category:
    name = module.__name__.rsplit(".", 1)[1]
    launches = getattr(module, "LAUNCHES", ())
    distinctive: frozenset[str] = getattr(module, "DISTINCTIVE", frozenset())
    return Category(name, module.body, launches, distinctive)


CATEGORIES: Final = {
    category.name: category
    for category in map(
        _category,
        (
            elementwise,
            scalar_array,
            unary,
            branch,
            loop,
            reduction,
            vector,
            multi_statement,
            nested_branch,
            compound,
            integer,
            bitwise,
            conversion,
            precision,
            ternary,
            gather_scatter,
            stencil,
            multi_dim,
            atomics,
            inplace,
            local_array,
            builtin,
            random,
            spatial,
            transform,
            quaternion,
            matrix,
            while_loop,
            dynamic_loop,
            loop_exit,
            control_flow,
            access,
            function,
            tuples,
            boolean,
            struct,
            custom_gradient,
            lvalue,
            idiom,
            constant,
            indexed_array,
            generic,
            module_option,
            tile,
        ),
    )
}
