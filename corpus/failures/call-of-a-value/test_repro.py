"""Calling what is no function, `1.0()` say, raises an AttributeError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited(left: wp.array(dtype=wp.int64)):
    idx = wp.tid()
    slot = wp.vec3()[0:2](shape=(6,), dtype=wp.int64)


def test_call_of_a_value():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "AttributeError" and "has no attribute" in said), said
