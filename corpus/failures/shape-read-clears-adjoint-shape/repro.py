import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32, ndim=2), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = x[1, -1]
    out[i] = a * wp.float32(x.shape[0])


x = wp.array(np.array([[1.1548394, 1.5025301], [0.8616826, 1.7637076]], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
with wp.Tape() as tape:
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
out.grad.assign(np.array([0.734375], np.float32))
tape.backward()
expected, actual = 0.0, x.grad.numpy()[0, 1]
print(f"gradient of x: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 5.605193857299268e-45 else 1)
