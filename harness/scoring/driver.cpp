// Runs one generated kernel on the arrays that come in on standard input, and writes out what became of them.
//
//     driver LIBRARY FORWARD [BACKWARD]
//
// `harness/predictions.py` compiles it once, writes its input and reads its output.  It is trusted; the library is not.

#define WP_NO_BFLOAT16
#define WP_TILE_BLOCK_DIM 1
#include "builtin.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>
#include <vector>

// What Warp's own library gives to a kernel that it loads.
extern "C" {
WP_API void _wp_assert(const char* message, const char* file, unsigned line)
{
    fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, message);
    abort();
}
WP_API int _wp_isfinite(double x) { return std::isfinite(x); }
WP_API int _wp_isnan(double x) { return std::isnan(x); }
WP_API int _wp_isinf(double x) { return std::isinf(x); }

// To the nearest, and to the even one at a tie, as Warp rounds.
WP_API uint16_t wp_float_to_half_bits(float x)
{
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    if (std::isnan(x))
        return sign | 0x7e00;
    const double size = std::fabs(static_cast<double>(x));
    if (size >= 65520.0)
        return sign | 0x7c00;
    int exponent;
    frexp(size, &exponent);
    exponent = size == 0.0 || exponent < -13 ? -14 : exponent - 1;
    const int steps = static_cast<int>(std::nearbyint(ldexp(size, 10 - exponent)));
    // A subnormal has no leading one to take away; a carry goes into the exponent by itself.
    return sign | static_cast<uint16_t>(size < ldexp(1.0, -14) ? steps : ((exponent + 15) << 10) + steps - 1024);
}

WP_API float wp_half_bits_to_float(uint16_t u)
{
    const int exponent = u >> 10 & 0x1f, mantissa = u & 0x3ff;
    float size = static_cast<float>(ldexp(exponent ? mantissa + 1024 : mantissa, (exponent ? exponent : 1) - 25));
    if (exponent == 0x1f)
        size = mantissa ? NAN : INFINITY;
    return u & 0x8000 ? -size : size;
}
}

namespace {

using Kernel = void (*)(void* bounds, void* arguments);
using Adjoint = void (*)(void* bounds, void* arguments, void* adjoints);

constexpr size_t alignment = 64;

void read_all(void* to, size_t length)
{
    if (fread(to, 1, length, stdin) != length)
        exit(3);
}

template <typename T> T read_one()
{
    T value;
    read_all(&value, sizeof(value));
    return value;
}

struct Buffer {
    char* bytes;
    size_t length;
};

Buffer read_buffer()
{
    size_t length = read_one<uint64_t>();
    char* bytes = static_cast<char*>(aligned_alloc(alignment, (length / alignment + 1) * alignment));
    read_all(bytes, length);
    return { bytes, length };
}

// What an argument is: bytes as they are, an array, or a pointer to the elements of an array.
enum Kind : uint32_t { VALUE, ARRAY, POINTER };

struct Argument {
    uint32_t kind;
    uint32_t ndim;
    int32_t shape[4], strides[4];
    uint32_t align, offset;
    // of length zero: none
    Buffer data, gradient, cotangent;
};

void append(std::vector<char>& arguments, const void* value, size_t length, size_t align)
{
    arguments.resize((arguments.size() + align - 1) / align * align);
    const char* bytes = static_cast<const char*>(value);
    arguments.insert(arguments.end(), bytes, bytes + length);
}

void append_array(std::vector<char>& arguments, const Argument& of, char* data, char* gradient)
{
    wp::array_t<float> array;
    array.data = reinterpret_cast<float*>(data);
    array.grad = reinterpret_cast<float*>(gradient);
    array.ndim = of.ndim;
    for (int n = 0; n < 4; ++n) {
        array.shape.dims[n] = of.shape[n];
        array.strides[n] = of.strides[n];
    }
    append(arguments, &array, sizeof(array), alignof(wp::array_t<float>));
}

template <int N> struct Bounds {
    wp::launch_bounds_t<N> bounds;

    explicit Bounds(const uint32_t* dims)
    {
        bounds.size = 1;
        bounds.coord_mult = 1;
        for (int n = 0; n < N; ++n) {
            bounds.shape[n] = dims[n];
            bounds.size *= dims[n];
        }
    }
};

template <int N>
void call(
    const uint32_t* dims, Kernel forward, Adjoint backward, std::vector<char>& arguments, std::vector<char>& adjoints
)
{
    Bounds<N> launch(dims);
    if (forward)
        forward(&launch.bounds, arguments.data());
    if (backward)
        backward(&launch.bounds, arguments.data(), adjoints.data());
}

void call(
    uint32_t ndim, const uint32_t* dims, Kernel forward, Adjoint backward, std::vector<char>& arguments,
    std::vector<char>& adjoints
)
{
    switch (ndim) {
    case 1: return call<1>(dims, forward, backward, arguments, adjoints);
    case 2: return call<2>(dims, forward, backward, arguments, adjoints);
    case 3: return call<3>(dims, forward, backward, arguments, adjoints);
    default: return call<4>(dims, forward, backward, arguments, adjoints);
    }
}

void write_buffers(FILE* out, const std::vector<Argument>& arguments)
{
    for (const Argument& argument : arguments) {
        if (argument.kind == VALUE)
            continue;
        fwrite(argument.data.bytes, 1, argument.data.length, out);
        fwrite(argument.gradient.bytes, 1, argument.gradient.length, out);
    }
    fflush(out);
}

void launch(Kernel forward, Adjoint backward, FILE* out)
{
    uint32_t ndim = read_one<uint32_t>(), dims[4];
    read_all(dims, sizeof(dims));
    const uint32_t passes = read_one<uint32_t>();
    std::vector<Argument> arguments(read_one<uint32_t>());
    std::vector<char> packed, adjoints;
    for (Argument& argument : arguments) {
        argument.kind = read_one<uint32_t>();
        argument.ndim = read_one<uint32_t>();
        read_all(argument.shape, sizeof(argument.shape));
        read_all(argument.strides, sizeof(argument.strides));
        argument.align = read_one<uint32_t>();
        argument.offset = read_one<uint32_t>();
        argument.data = read_buffer();
        if (argument.kind == VALUE) {
            std::vector<char> zeros(argument.data.length);
            append(packed, argument.data.bytes, argument.data.length, argument.align);
            append(adjoints, zeros.data(), zeros.size(), argument.align);
            continue;
        }
        argument.gradient = read_buffer();
        argument.cotangent = read_buffer();
        char* data = argument.data.bytes + argument.offset;
        if (argument.kind == POINTER) {
            append(packed, &data, sizeof(data), alignof(char*));
            append(adjoints, &data, sizeof(data), alignof(char*));
            continue;
        }
        // Warp hands an array without a gradient's adjoint over as one of nothing.
        char* gradient = argument.gradient.length ? argument.gradient.bytes + argument.offset : nullptr;
        append_array(packed, argument, data, gradient);
        append_array(adjoints, gradient ? argument : Argument(), gradient, nullptr);
    }
    call(ndim, dims, forward, nullptr, packed, adjoints);
    write_buffers(out, arguments);
    for (Argument& argument : arguments)
        if (argument.kind != VALUE)
            memcpy(argument.gradient.bytes, argument.cotangent.bytes, argument.gradient.length);
    for (uint32_t pass = 0; pass < passes; ++pass) {
        call(ndim, dims, nullptr, backward, packed, adjoints);
        write_buffers(out, arguments);
    }
}

}  // namespace

int main(int count, char** words)
{
    FILE* out = fdopen(dup(1), "wb");
    dup2(2, 1);
    void* library = count > 2 ? dlopen(words[1], RTLD_NOW) : nullptr;
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 4;
    }
    Kernel forward = reinterpret_cast<Kernel>(dlsym(library, words[2]));
    Adjoint backward = count > 3 ? reinterpret_cast<Adjoint>(dlsym(library, words[3])) : nullptr;
    if (!forward || (count > 3 && !backward)) {
        fprintf(stderr, "%s\n", dlerror());
        return 5;
    }
    for (uint32_t left = read_one<uint32_t>(); left > 0; --left)
        launch(forward, backward, out);
    fclose(out);
    return 0;
}
