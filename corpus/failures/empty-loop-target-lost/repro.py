import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.int32, out: wp.array(dtype=wp.int32), out1: wp.array(dtype=wp.float64)):
    i = wp.tid()
    a = 2
    b = wp.float64(1.0)
    for a in range(x, 1):
        b = wp.float64(1.0)
    out[i] = a
    out1[i] = b


x = 1
out = wp.array(np.array([0], np.int32), dtype=wp.int32, requires_grad=True)
out1 = wp.array(np.array([0.0], np.float64), dtype=wp.float64, requires_grad=True)
wp.launch(kernel, dim=(1,), inputs=[x, out, out1], device="cpu")
expected, actual = 2.0, out.numpy()[0]
print(f"out: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.0 else 1)
