import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def kernel(x: wp.array(dtype=wp.float32), y: wp.int32, out: wp.array(dtype=wp.float32)):
    i = wp.tid()
    a = float(1.0)
    for n in range(y):
        for m in range(2):
            if m >= 1:
                break
            a += x[wp.static(m)]
    out[i] = a


x = wp.array(np.array([1.259157], np.float32), dtype=wp.float32, requires_grad=True)
y = 3
out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
wp.launch(kernel, dim=(1,), inputs=[x, y, out], device="cpu")
expected, actual = 4.777470588684082, out.numpy()[0]
print(f"out: expected {expected}, got {actual}")
sys.exit(0 if abs(float(actual) - expected) <= 0.0 else 1)
