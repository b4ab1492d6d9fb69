"""Storing to a field that a struct does not have raises a KeyError that only says its name"""

import warp as wp


@wp.struct
class Grid:
    phase: wp.vec3


@wp.struct
class Item:
    shade: Grid


@wp.kernel
def edited(grid: wp.array(dtype=Item)):
    shade = grid[1]
    shade.size = 1


def test_store_to_missing_field():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "KeyError"), said
