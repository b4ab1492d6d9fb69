import sys
import tempfile

import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def edited(left: wp.array(dtype=wp.int64)):
    idx = wp.tid()
    slot = wp.vec3()[0:2](shape=(6,), dtype=wp.int64)


try:
    wp.load_module(device="cpu")
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    print(f"expected: an error that says what Warp does not support\nactual: {said}")
    sys.exit(int(type(error).__name__ == "AttributeError" and "has no attribute" in said))
print("it is built")
