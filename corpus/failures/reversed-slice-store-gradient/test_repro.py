"""`v[::-1] = e` of a local, where components may be assigned again, gives `e` its gradient in the wrong order"""

import numpy as np
import warp as wp


wp.config.enable_vector_component_overwrites = True


@wp.kernel(module="unique")
def kernel(x: wp.array(dtype=wp.vec2), y: wp.array(dtype=wp.vec2), out: wp.array(dtype=wp.vec2)):
    i = wp.tid()
    a = x[i]
    a[1::-1] = y[i]
    out[i] = a


def test_reversed_slice_store_gradient():
    x = wp.array(np.array([[1.0188975, 0.6402771]], np.float32), dtype=wp.vec2, requires_grad=True)
    y = wp.array(np.array([[0.59143895, 1.7290227]], np.float32), dtype=wp.vec2, requires_grad=True)
    out = wp.array(np.array([[0.0, 0.0]], np.float32), dtype=wp.vec2, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
    out.grad.assign(np.array([[1.1875, -0.6875]], np.float32))
    tape.backward()
    expected, actual = -0.6875, y.grad.numpy()[0, 0]
    assert abs(float(actual) - expected) <= 1.6393675385917945e-07, f"gradient of y: expected {expected}, got {actual}"
