import sys
import tempfile

import warp as wp

wp.config.quiet, wp.config.log_level = True, 40  # the one before Warp 1.14, the other since
wp.config.kernel_cache_dir = tempfile.mkdtemp()  # builds anew each time


@wp.func
def item(left: wp.float32, edge: wp.int32, diff: wp.int8):
    return wp.max(edge, 3) * (0 if diff <= wp.int8(5) else edge) - wp.int32(left)


@wp.func
def slot(radius: wp.float32, delta: wp.int8=wp.int8(5)):
    if not radius >= 2.5:
        return +radius
    elif radius > 0.1:
        return radius
    if radius <= 0.5 and delta != wp.int8(4):
        cur = radius > 0.1
        return wp.max(radius, 1.0) * (1.0 if cur else 0.0)
    return radius * (radius - 0.25)


@wp.func
def span(mean: wp.array(dtype=wp.float32), c: wp.int32):
    b = mean[c]
    delta = float(0.1)
    for base in range(0, 3, 2):
        delta -= mean[c] * wp.float32(base)
    delta -= mean[c]
    return wp.max(wp.asin(delta * 0.001953125), delta - b) * 0.5


@wp.kernel
def edited(edge: wp.array(dtype=wp.float32, ndim=3), right: wp.array(dtype=wp.int8, ndim=3), width: wp.array(dtype=wp.int32, ndim=3), weight: wp.array(dtype=wp.float32), change: wp.array(dtype=wp.float32, ndim=3)):
    idx, idy, idz = wp.tid()
    score = 1
    phi = slot(wp.float32(width[idx, idy, idz]) * 0.5)
    zone = span(weight, wp.clamp(score, 0, 2), ())
    change[idx, idy, idz] = edge[(idx + 1) % 4, (idy + 1) % 2, idy] - (phi - zone)


try:
    wp.load_module(device="cpu")
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    print(f"expected: an error that says what Warp does not support\nactual: {said}")
    sys.exit(int(type(error).__name__ == "KeyError"))
print("it is built")
