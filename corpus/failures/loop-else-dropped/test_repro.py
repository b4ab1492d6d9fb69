"""The `else` of a loop is left out without a word"""

import warp as wp


@wp.kernel
def edited(seen: wp.array(dtype=wp.float32)):
    while False:
        pass
    else:
        seen[0] = 1.0


def test_loop_else_dropped():
    try:
        seen = wp.zeros(1, dtype=wp.float32, device="cpu")
        wp.launch(edited, dim=1, inputs=[seen], device="cpu")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        assert not (False), said
    else:
        assert float(seen.numpy()[0]) == 1.0
