import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time
wp.set_module_options({"optimization_level": 0})


def make(varied):
    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float64)):
        i = wp.tid()
        out[i] = wp.float64(varied)

    return kernel


def result(kernel):
    out = wp.array(np.array([-0.0], np.float64), dtype=wp.float64, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
    return out.numpy()[0]


first, actual = result(make(1.0)), result(make(1.0000000000009095))
expected = 1.0000000000009095
print(f"out: expected {expected}, got {actual}, after {first} of a kernel that differs")
sys.exit(0 if abs(float(actual) - expected) <= 2.2737367544323206e-13 else 1)
