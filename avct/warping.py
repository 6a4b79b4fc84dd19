"""The kernel of `avct.fused`, in Triton's own language; nothing where Triton is not installed.

Apart from what launches it, since Triton reads its functions' source and globals, and is imported with this module.
"""

from __future__ import annotations

try:
    import triton
    import triton.language as tl
except ImportError:  # wheels of torch without GPU software
    triton = None

if triton is not None:

    @triton.jit
    def between(place, count):
        """Neighbours of a place and the share of the second, as torch resizes without aligned corners."""
        place = tl.maximum(place, 0.0)
        first = tl.minimum(place.to(tl.int32), count - 1)
        return first, tl.minimum(first + 1, count - 1), place - first.to(tl.float32)

    @triton.jit
    def resize(origin, x, y, width, height, wide, high, stride_x, stride_y, inside):
        """A picture (height, width) at pixels x, y of the size (high, wide)."""
        left, right, u = between((x.to(tl.float32) + 0.5) * (width / wide) - 0.5, width)
        top, bottom, v = between((y.to(tl.float32) + 0.5) * (height / high) - 0.5, height)
        a = tl.load(origin + top * stride_y + left * stride_x, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(origin + top * stride_y + right * stride_x, mask=inside, other=0.0).to(tl.float32)
        c = tl.load(origin + bottom * stride_y + left * stride_x, mask=inside, other=0.0).to(tl.float32)
        d = tl.load(origin + bottom * stride_y + right * stride_x, mask=inside, other=0.0).to(tl.float32)
        return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)

    @triton.jit
    def occlude(
        features, deformation, occlusion, result,
        channels, height, width, flow_height, flow_width, dark_height, dark_width,
        feature_b, feature_c, feature_y, feature_x, flow_b, flow_y, flow_x, flow_c, dark_b, dark_y, dark_x,
        result_b, result_c, result_y, result_x,
        resized: tl.constexpr, dimmed: tl.constexpr, pixels: tl.constexpr, lanes: tl.constexpr,
    ):  # fmt: skip
        frame = tl.program_id(2).to(tl.int64)
        pixel = tl.program_id(0) * pixels + tl.arange(0, pixels)
        channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
        inside, known = pixel < height * width, channel < channels
        x, y = pixel % width, pixel // width
        flow, dark = deformation + frame * flow_b, occlusion + frame * dark_b
        if resized:
            to_x = resize(flow, x, y, flow_width, flow_height, width, height, flow_x, flow_y, inside)
            to_y = resize(flow + flow_c, x, y, flow_width, flow_height, width, height, flow_x, flow_y, inside)
        else:
            to_x = tl.load(flow + y * flow_y + x * flow_x, mask=inside, other=0.0).to(tl.float32)
            to_y = tl.load(flow + y * flow_y + x * flow_x + flow_c, mask=inside, other=0.0).to(tl.float32)
        if dimmed:
            share = resize(dark, x, y, dark_width, dark_height, width, height, dark_x, dark_y, inside)
        else:
            share = tl.load(dark + y * dark_y + x * dark_x, mask=inside, other=0.0).to(tl.float32)
        # far outside is outside: floats beyond an integer's range have no neighbours
        to_x = tl.minimum(tl.maximum(((to_x + 1) * width - 1) / 2, -2.0), width + 1.0)
        to_y = tl.minimum(tl.maximum(((to_y + 1) * height - 1) / 2, -2.0), height + 1.0)
        left, top = tl.floor(to_x), tl.floor(to_y)
        u, v = to_x - left, to_y - top
        left, top = left.to(tl.int32), top.to(tl.int32)
        base = features + frame * feature_b
        columns = channel * feature_c
        total = tl.zeros((pixels, lanes), dtype=tl.float32)
        for i in tl.static_range(4):
            at_x, at_y = left + i % 2, top + i // 2
            weight = (u if i % 2 else 1 - u) * (v if i // 2 else 1 - v)
            seen = inside & (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height)
            place = base + (at_y * feature_y + at_x * feature_x)[:, None] + columns[None, :]
            value = tl.load(place, mask=seen[:, None] & known[None, :], other=0.0).to(tl.float32)
            total += weight[:, None] * value
        total *= share[:, None]
        out = result + frame * result_b + (y * result_y + x * result_x)[:, None] + (channel * result_c)[None, :]
        tl.store(out, total.to(result.dtype.element_ty), mask=inside[:, None] & known[None, :])
