import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


BIAS = wp.constant(True)


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = x[i]
    b = a if BIAS else 1.0
    for n in range(i):
        a = 1.0
    out[i] = b


x = wp.array(np.array([0.80174977, 1.0054525], np.float32), dtype=wp.float32, requires_grad=True)
out = wp.array(np.array([0.0, 0.0], np.float32), dtype=wp.float32, requires_grad=True)
wp.launch(kernel, dim=(2,), inputs=[x, out], device="cpu")
expected, actual = 1.0054525136947632, out.numpy()[1]
print(f"out: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.0 else 1)
