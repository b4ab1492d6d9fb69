"""A loop whose target is no name, `for k, j in range(3)`, raises an AttributeError out of Warp's insides"""

import warp as wp


@wp.kernel
def edited():
    for force, in range(0):
        pass


def test_loop_target_no_name():
    try:
        wp.load_module(device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (type(error).__name__ == "AttributeError" and "has no attribute" in said), said
