"""A function defined inside a kernel is not called: its body runs where it is defined"""

import warp as wp


@wp.kernel
def edited(seen: wp.array(dtype=wp.float32)):

    def inner():
        seen[0] = 1.0


def test_nested_function_runs_in_place():
    try:
        seen = wp.zeros(1, dtype=wp.float32, device="cpu")
        wp.launch(edited, dim=1, inputs=[seen], device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (False), said
    else:
        assert float(seen.numpy()[0]) == 0.0
