import sys
import tempfile

import numpy as np
import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


def make(varied):
    @wp.kernel(module="unique")
    def kernel(x: wp.array(dtype=wp.float32), out: wp.array(dtype=wp.float32)):
        i = wp.tid()
        out[i] = wp.float32(wp.cast(x[i], varied))

    return kernel


def result(kernel):
    x = wp.array(np.array([1.8506902], np.float32), dtype=wp.float32, requires_grad=True)
    out = wp.array(np.array([0.0], np.float32), dtype=wp.float32, requires_grad=True)
    wp.launch(kernel, dim=(1,), inputs=[x, out], device="cpu")
    return out.numpy()[0]


first, actual = result(make(wp.float32)), result(make(wp.int32))
expected = 1072489344.0
print(f"out: expected {expected}, got {actual}, after {first} of a kernel that differs")
sys.exit(0 if abs(float(actual) - expected) <= 268122335.53732744 else 1)
