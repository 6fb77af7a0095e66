"""What scripts write through views is seen in what they are views of: planned and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import treadle
from tests.passes.test_local_writes import compiled, sharing

pytestmark = pytest.mark.torch
VIEWS = (
    "torch.atleast_1d(z)", "torch.atleast_2d(z[0])", "torch.atleast_3d(z)", "z.ravel()",
    "z[0][::2].ravel()", "torch.conj_physical(z)", "z.flatten()", "z.flatten(0, 1)",
    "z.reshape(2, 12)", "z.reshape(-1)", "z.t().reshape(24)", "z.contiguous()",
    "z.t().contiguous()", "z.to(torch.float32)", "z.to(torch.float64)", "z.type_as(x)",
    "z.expand_as(x)", "z[:1].expand(3, 6)[0]", "z[None].squeeze()", "z[None].squeeze(0)",
    "z.unsqueeze(1)", "z.unfold(1, 2, 2)", "z.diagonal()", "z.movedim(0, 1)", "z.narrow(1, 2, 3)",
    "z.select(1, -1)", "z.chunk(2, 1)[1]", "z.split(2)[1]", "z.split([1, 3])[1]",
    "z.tensor_split(3, 1)[2]", "z.tensor_split([1, 2], 0)[1]", "z.hsplit(2)[1]", "z.vsplit(2)[0]",
    "torch.dsplit(z.view(2, 2, 6), 3)[1]", "torch.unsafe_split(z, 3)[1]",
    "torch.unsafe_chunk(z, 2)[0]", "torch.view_as_complex(z.view(4, 3, 2)).real",
    "torch.view_as_real(torch.view_as_complex(z.view(4, 3, 2)))", "z.T", "z.mT", "z.H", "z.mH",
    "z.adjoint()", "z.unbind(1)[2]", "z.swapaxes(0, 1)", "z.swapdims(0, 1)", "z.moveaxis(1, 0)",
    "z.broadcast_to([4, 6])", "torch.broadcast_tensors(z, x)[0]", "torch.einsum('ij->ji', z)",
    "torch.dropout(z, 0.5, False)", "z.clone()", "torch.positive(z)", "z.resolve_conj()",
    "z.resolve_neg()", "z.detach()", "z.view(3, 8)", "z.view_as(x)", "z.permute(1, 0)",
    "z.as_strided([2, 3], [3, 1])", "z.as_strided([3], [2], 5)", "z.unflatten(1, [2, 3])",
    "torch.meshgrid(z[0], x[0], indexing='ij')[1][0]", "z.sum_to_size([4, 6])", "z.data",
    "torch.cartesian_prod(z[0])", "z.rot90(4)", "z.flip(0)",
)  # fmt: skip


@pytest.mark.parametrize("interpret", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_writes_through_views_are_seen(view: str, interpret: bool) -> None:
    program = compiled([f"v = {view}", "v.add_(1.0)"])
    x = np.random.default_rng(2).standard_normal((4, 6)).astype(np.float32)
    wanted = [t.numpy() for t in program(torch.from_numpy(x.copy()))]
    script = treadle.script(program, interpret=interpret)
    found = [np.asarray(t) for t in script(x.copy())]
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        places = [d for d, size in enumerate(theirs.shape) if size > 1]
        assert [ours.strides[d] for d in places] == [theirs.strides[d] for d in places]
    assert sharing(found) == sharing(wanted)
