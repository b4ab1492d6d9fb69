import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(
    x: wp.array(dtype=wp.vec3),
    y: wp.array(dtype=wp.transform),
    out: wp.array(dtype=wp.transform),
):
    i = wp.tid()
    a = y[i]
    a.p = x[i]
    out[i] = a


x = wp.array(np.array([[1.837249, 0.6341026, 1.2826502]], np.float32), dtype=wp.vec3, requires_grad=True)
y = wp.array(np.array([[1.012477, 1.6315495, 0.53945917, 1.9107043, 1.294518, 0.9704786, 0.6557433]], np.float32), dtype=wp.transform, requires_grad=True)
out = wp.array(np.full((1, 7), 0.0, np.float32), dtype=wp.transform, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
out.grad.assign(np.array([[0.75, 1.40625, -0.890625, -1.296875, -1.0625, -0.625, 0.703125]], np.float32))
tape.backward()
expected, actual = 0.0, y.grad.numpy()[0, 1]
print(f"gradient of y: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 4.178679064825285e-11 else 1)
