"""A function that does `v[0] += e` on its vector takes what the caller does with `v` later for the gradient of `e`"""

import numpy as np
import warp as wp


@wp.func
def f(x: wp.vec2, y: wp.float32):
    x[0] += y
    return wp.min(x)


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = wp.vec2(1.0)
    b = f(a, x[i])
    out[i] = a.x - b


def test_vector_argument_updated_gradient():
    x = wp.array(np.array([-1.686902], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([0.71875], np.float32))
    tape.backward()
    expected, actual = -0.71875, x.grad.numpy()[0]
    assert abs(float(actual) - expected) <= 1.7138101778479617e-07, f"gradient of x: expected {expected}, got {actual}"
