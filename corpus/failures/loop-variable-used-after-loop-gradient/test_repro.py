"""A variable that a dynamic loop defines has no gradient where it is read after the loop"""

import numpy as np
import warp as wp


@wp.kernel
def sample_state(limit: wp.int32, a: wp.array(dtype=wp.float32), blend: wp.array(dtype=wp.float32)):
    ty = wp.tid()
    for zone in range(limit):
        alpha = a[zone]
    blend[ty] = alpha


def test_loop_variable_used_after_loop_gradient():
    limit = 2
    a = wp.array(np.array([1.8201644, -0.46387684], np.float32), dtype=wp.float32, requires_grad=True)
    blend = wp.array(np.array([0.0, 0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(sample_state, dim=(1,), inputs=[limit, a, blend], device="cpu")
    blend.grad.assign(np.array([-1.40625, 0.875], np.float32))
    tape.backward()
    expected, actual = -1.40625, a.grad.numpy()[1]
    assert abs(float(actual) - expected) <= 3.3528565943405754e-07, f"gradient of a: expected {expected}, got {actual}"
