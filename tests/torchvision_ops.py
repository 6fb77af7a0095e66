"""torchvision's operators for torch, in plain torch, where torchvision is not installed.

Slow and obvious: point by point, as the papers and torchvision's documentation say it. Importing
this module defines them; torch then scripts, saves and runs programs that call them.
"""

from __future__ import annotations

import contextlib
import importlib
import math

import torch
from torch import Tensor

SCHEMAS = """
nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor
roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, \
int sampling_ratio, bool aligned) -> Tensor
roi_pool(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width) \
-> (Tensor, Tensor)
ps_roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, \
int sampling_ratio) -> (Tensor, Tensor)
ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width) \
-> (Tensor, Tensor)
deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, \
int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, \
bool use_mask) -> Tensor
"""


def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The boxes that share at most `iou_threshold` of the union with each better one kept."""
    kept: list[int] = []
    for i in torch.sort(scores, descending=True, stable=True).indices.tolist():
        if all(not _overlap(dets[i], dets[k]) > iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def _overlap(a: Tensor, b: Tensor) -> float:
    sides = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0)
    shared = sides[0] * sides[1]
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return float(shared / (areas[0] + areas[1] - shared))


def _bilinear(image: Tensor, y: float, x: float) -> Tensor:
    """The value of each channel at a point; as at the border up to a pixel outside, then 0."""
    height, width = image.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return torch.zeros(image.shape[0], dtype=image.dtype)
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    return (
        image[:, top, left] * ((1 - down) * (1 - across))
        + image[:, top, right] * ((1 - down) * across)
        + image[:, bottom, left] * (down * (1 - across))
        + image[:, bottom, right] * (down * across)
    )


def _means(
    image: Tensor, box: list[float], bins: tuple[int, int], ratio: int, aligned: bool
) -> Tensor:
    """The mean of samples in each bin: [channels, height, width]."""
    x1, y1, x2, y2 = (c - 0.5 * aligned for c in box)
    sides = [y2 - y1, x2 - x1]
    if not aligned:
        sides = [max(side, 1.0) for side in sides]
    steps = [side / n for side, n in zip(sides, bins, strict=True)]
    counts = [ratio if ratio > 0 else math.ceil(step) for step in steps]
    result = torch.zeros(image.shape[0], *bins, dtype=image.dtype)
    for i in range(bins[0]):
        for j in range(bins[1]):
            for p in range(counts[0]):
                for q in range(counts[1]):
                    y = y1 + i * steps[0] + (p + 0.5) * steps[0] / counts[0]
                    x = x1 + j * steps[1] + (q + 0.5) * steps[1] / counts[1]
                    result[:, i, j] += _bilinear(image, y, x)
    return result / max(counts[0] * counts[1], 1)


def roi_align(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int,
    sampling_ratio: int, aligned: bool,
) -> Tensor:  # fmt: skip
    """Bilinear means of boxes of images."""
    bins = (pooled_height, pooled_width)
    found = [
        _means(
            input[int(roi[0])].double(), (roi[1:] * spatial_scale).tolist(), bins, sampling_ratio,
            aligned,
        )
        for roi in rois
    ]  # fmt: skip
    empty = torch.zeros(0, input.shape[1], *bins, dtype=input.dtype)
    return torch.stack(found).to(input.dtype) if found else empty


def _own_maps(input: Tensor, height: int, width: int) -> Tensor:
    return torch.arange(input.shape[1], dtype=torch.int32).view(-1, height, width)


def _own(values: Tensor) -> Tensor:
    """Of [k, c, height, width] with all channels, each bin's own one."""
    k, channels, height, width = values.shape
    maps = values.view(k, -1, height, width, height, width)
    return torch.einsum("kchwhw->kchw", maps) if channels else maps.flatten(1)


def ps_roi_align(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int,
    sampling_ratio: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`roi_align` of the channel that each bin owns."""
    aligned = roi_align(
        input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, True
    )
    result, maps = _own(aligned), _own_maps(input, pooled_height, pooled_width)
    return result, maps.expand(result.shape).clone()


def _rounded(roi: Tensor, scale: float) -> list[int]:
    """The corners in whole pixels, halves away from 0."""
    return [
        math.floor(c + 0.5) if c >= 0 else math.ceil(c - 0.5) for c in (roi[1:] * scale).tolist()
    ]


def _bins(first: int, length: int, bins: int, size: int) -> list[range]:
    """The pixels of each bin; the edges are computed in float32, as torchvision does."""
    step = torch.tensor(float(length)) / bins
    return [
        range(
            min(max(math.floor(i * step) + first, 0), size),
            min(max(math.ceil((i + 1) * step) + first, 0), size),
        )
        for i in range(bins)
    ]


def roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Tensor, Tensor]:
    """The largest pixels of boxes, and where they are."""
    height, width = input.shape[2:]
    values = torch.zeros(len(rois), input.shape[1], pooled_height, pooled_width, dtype=input.dtype)
    places = torch.full(values.shape, -1, dtype=torch.int32)
    for k, roi in enumerate(rois):
        x1, y1, x2, y2 = _rounded(roi, spatial_scale)
        rows = _bins(y1, max(y2 - y1 + 1, 1), pooled_height, height)
        columns = _bins(x1, max(x2 - x1 + 1, 1), pooled_width, width)
        for c in range(input.shape[1]):
            for i, down in enumerate(rows):
                for j, across in enumerate(columns):
                    pixels = [(y, x) for y in down for x in across]
                    image = input[int(roi[0]), c]
                    if pixels:
                        y, x = max(pixels, key=lambda at: float(image[at]))
                        values[k, c, i, j], places[k, c, i, j] = image[y, x], y * width + x
    return values, places


def ps_roi_pool(
    input: Tensor, rois: Tensor, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Tensor, Tensor]:
    """The mean of the pixels of each bin in the channel that it owns."""
    maps = _own_maps(input, pooled_height, pooled_width)
    result = torch.zeros(len(rois), *maps.shape, dtype=input.dtype)
    for k, roi in enumerate(rois):
        x1, y1, x2, y2 = _rounded(roi, spatial_scale)
        rows = _bins(y1, max(y2 - y1, 1), pooled_height, input.shape[2] - 1)
        columns = _bins(x1, max(x2 - x1, 1), pooled_width, input.shape[3] - 1)
        for c, i, j in torch.cartesian_prod(*map(torch.arange, maps.shape)).tolist():
            part = input[int(roi[0]), int(maps[c, i, j])]
            part = part[rows[i].start : rows[i].stop, columns[j].start : columns[j].stop]
            if part.numel():
                result[k, c, i, j] = part.mean()
    return result, maps.expand(result.shape).clone()


def deform_conv2d(
    input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor, stride_h: int,
    stride_w: int, pad_h: int, pad_w: int, dilation_h: int, dilation_w: int, groups: int,
    offset_groups: int, use_mask: bool,
) -> Tensor:  # fmt: skip
    """A convolution with moved taps: `grid_sample`, then a sum over channels and taps."""
    n, _, height, width = input.shape
    out, inner, kernel_h, kernel_w = weight.shape
    rows, columns = offset.shape[2:]
    taps = []
    for i in range(kernel_h):
        for j in range(kernel_w):
            moved = []
            for group, part in enumerate(input.chunk(offset_groups, 1)):
                tap = (group * kernel_h + i) * kernel_w + j
                y = (
                    offset[:, 2 * tap]
                    + (torch.arange(rows) * stride_h - pad_h + i * dilation_h)[:, None]
                )
                x = offset[:, 2 * tap + 1] + (
                    torch.arange(columns) * stride_w - pad_w + j * dilation_w
                )
                places = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
                found = torch.nn.functional.grid_sample(part, places, align_corners=False)
                moved.append(found * mask[:, tap, None] if use_mask else found)
            taps.append(torch.cat(moved, 1))
    pixels = torch.stack(taps, 2).view(n, groups, inner, kernel_h * kernel_w, rows, columns)
    kernels = weight.view(groups, out // groups, inner, -1)
    found = torch.einsum("ngcthw,goct->ngohw", pixels, kernels)
    return found.reshape(n, out, rows, columns) + bias[:, None, None]


def _define() -> torch.library.Library | None:
    if hasattr(torch.ops.torchvision, "nms"):
        return None
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS.strip().splitlines():
        library.define(schema)
        name = schema.partition("(")[0]
        library.impl(name, globals()[name], "CPU")
    return library


with contextlib.suppress(ImportError):
    importlib.import_module("torchvision")
_LIBRARY = _define()
