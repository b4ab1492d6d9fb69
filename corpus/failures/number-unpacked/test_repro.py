"""Unpacking a number, `a, b = 1`, raises a TypeError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited():
    x, y = 1


def test_number_unpacked():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "TypeError" and "has no len" in said), said
