"""The gradient of `noise`, `pnoise` and `curlnoise`, and of functions that draw, is that of other draws once one has advanced the state that they were given"""

import numpy as np
import warp as wp


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
    out1: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    a = wp.uint32(0)
    out[i] = wp.noise(a, x[i])
    out1[i] = wp.randf(a)


def test_noise_state_advanced_gradient():
    x = wp.array(np.array([0.90997225], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    out1 = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
    out.grad.assign(np.array([-1.484375], np.float32))
    out1.grad.assign(np.array([1.015625], np.float32))
    tape.backward()
    expected, actual = -0.3766328826408639, x.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 4.9186622392660474e-05, f"gradient of x: expected {expected}, got {actual}"
