import sys
import tempfile

import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.kernel
def edited(seen: wp.array(dtype=wp.float32)):

    def inner():
        seen[0] = 1.0


try:
    seen = wp.zeros(1, dtype=wp.float32, device="cpu")
    wp.launch(edited, dim=1, inputs=[seen], device="cpu")
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    print(f"expected: an error that says what Warp does not support\nactual: {said}")
    sys.exit(0)
expected, actual = 0.0, float(seen.numpy()[0])
print(f"expected: {expected}, or an error; actual: {actual}")
sys.exit(0 if actual == expected else 1)
