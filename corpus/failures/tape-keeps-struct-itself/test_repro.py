"""A tape keeps the struct that a launch was given, not its fields: changing a field later changes the gradients"""

import numpy as np
import warp as wp


@wp.struct
class Base:
    eps: wp.float32


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), y: Base, out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    out[i] = wp.min(x[i], y.eps)


def test_tape_keeps_struct_itself():
    x = wp.array(np.array([1.3772657], np.float32), dtype=wp.float32, requires_grad=True)
    y_eps = 1.7718209
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    y = Base()
    y.eps = y_eps
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
    out.grad.assign(np.array([-1.21875], np.float32))
    y.eps = wp.float32()
    tape.backward()
    expected, actual = -1.21875, x.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 0.3046875, f"gradient of x: expected {expected}, got {actual}"
