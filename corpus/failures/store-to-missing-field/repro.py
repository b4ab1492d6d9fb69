import sys
import tempfile

import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.struct
class Grid:
    phase: wp.vec3


@wp.struct
class Item:
    shade: Grid


@wp.kernel
def edited(grid: wp.array(dtype=Item)):
    shade = grid[1]
    shade.size = 1


try:
    wp.load_module(device="cpu")
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    print(f"expected: an error that says what Warp does not support\nactual: {said}")
    sys.exit(int(type(error).__name__ == "KeyError"))
print("it is built")
