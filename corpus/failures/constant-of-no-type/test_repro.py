"""A constant of a type that kernels do not have, `1j` or `...`, raises a TypeError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited():
    while 1j:
        pass


def test_constant_of_no_type():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "TypeError" and "must be real number" in said), said
