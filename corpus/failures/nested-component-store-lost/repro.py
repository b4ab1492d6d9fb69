import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.transform), out: wp.array(dtype=wp.transform)):
    i = wp.tid()
    a = x[i]
    a.p.x = 1.0
    out[i] = a


x = wp.array(np.array([[1.37605, 1.5302202, 1.272847, 1.1148894, 1.1996301, 0.8208504, 1.8418959]], np.float32), dtype=wp.transform, requires_grad=True)
out = wp.array(np.full((1, 7), 0.0, np.float32), dtype=wp.transform, requires_grad=True)
wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
expected, actual = 1.0, out.numpy()[0, 0]
print(f"out: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.0 else 1)
