"""A function or a type where a value should be raises an AttributeError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited():
    1.0[1.0] = wp.erfc


def test_function_or_type_as_value():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "AttributeError" and "has no attribute" in said), said
