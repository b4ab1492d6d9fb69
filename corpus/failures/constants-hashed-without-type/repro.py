import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


def make(varied):
    @wp.kernel(module="unique")
    def kernel(out: wp.array(dtype=wp.float32)):
        i = wp.tid()
        out[i] = float(varied)

    return kernel


def result(kernel):
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[out], device="cpu")
    return out.numpy()[0]


first, actual = result(make(wp.int32(-1))), result(make(wp.uint32(4294967295)))
expected = 4294967296.0
print(f"out: expected {expected}, got {actual}, after {first} of a kernel that differs")
sys.exit(0 if abs(float(actual) - expected) <= 1073741824.25 else 1)
