"""A vector of floats that is cut off to whole numbers and converted back, `wp.vec3(wp.vec3i(v))`, passes its gradient on, cut off; `float(int(x))` has none"""

import numpy as np
import warp as wp


mat22l = wp.types.matrix(shape=(2, 2), dtype=wp.int64)


@wp.kernel
def small(x: wp.array(dtype=wp.mat22), out: wp.array(dtype=wp.mat22)):
    i = wp.tid()
    out[i] = wp.mat22(mat22l(x[i]))


def test_whole_vector_gradient():
    x = wp.array(np.array([[[0.84688425, 0.44140884], [-0.28739616, 0.37417424]], [[1.7320082, -1.3125013], [-0.7835302, 0.95757246]]], np.float32), dtype=wp.mat22, requires_grad=True)
    out = wp.array(np.array([[[0.50737655, -2.6620603], [0.0, 1.6755946]]], np.float32), dtype=wp.mat22, requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(small, dim=(1,), inputs=[x, out], device="cpu")
    out.grad.assign(np.array([[[0.609375, -0.765625], [-1.171875, 1.40625]]], np.float32))
    tape.backward()
    expected, actual = 0.0, x.grad.numpy()[0, 1, 0]
    assert abs(float(actual) - expected) <= 5.605193857299268e-45, f"gradient of x: expected {expected}, got {actual}"
