"""The comparisons `in`, `not in`, `is` and `is not` raise a KeyError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited():
    quota += 1 is not 1


def test_comparison_in_or_is():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "KeyError"), said
