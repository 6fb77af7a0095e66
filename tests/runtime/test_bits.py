"""Results have the same bits on every backend and at every number of threads, eager and planned."""

from pathlib import Path

import pytest

from tests.runtime.processes import run_python

pytestmark = [pytest.mark.threads, pytest.mark.slow]

CODE = """
import numpy as np
import treadle
import treadle.nn.functional as F
from pathlib import Path
from treadle import runtime

treadle.manual_seed(1)
a, b = treadle.randn(130, 257), treadle.randn(257, 65)
rows, image = treadle.randn(300, 1001), treadle.randn(2, 8, 37, 41)
weight, index = treadle.randn(16, 8, 3, 3), treadle.randint(50, (4000,))
model = treadle.load(Path(treadle.__file__).parent / "data" / "digits.pt")
digits = treadle.randn(5, 1, 8, 8)

def eager():
    yield a @ b
    yield rows.sum(), rows.mean(0), rows.var(1), rows.logsumexp(1), rows.prod(1)
    yield F.softmax(rows, -1), F.layer_norm(rows, [1001]), rows.cumsum(1)
    yield F.conv2d(image, weight, padding=1), F.max_pool2d(image, 3, 2)
    yield treadle.zeros(50).index_add(0, index, treadle.ones(4000) / 3)
    yield treadle.fft.fft(rows), *rows.sort(1), rows.topk(5)[0], rows.t().sum(1)
    treadle.manual_seed(2)
    yield treadle.randn(5000), F.dropout(rows, 0.5, True)

def block(a: treadle.Tensor, b: treadle.Tensor, rows: treadle.Tensor) -> treadle.Tensor:
    left = treadle.jit.fork(treadle.mm, a, b)
    return (treadle.softmax(rows, -1).sum(0) * rows.mean(1, keepdim=True)).sum() + left.wait()

scripted = treadle.script(block)

def bits():
    parts = [part for parts in eager() for part in (parts if isinstance(parts, tuple) else [parts])]
    return [np.asarray(part).tobytes() for part in (*parts, model(digits), scripted(a, b, rows))]

expected = None
for backend in runtime.available_backends():
    runtime.use_backend(backend)
    for count in (1, 2, 3, 8):
        treadle.set_num_threads(count)
        found = bits()
        expected = expected or found
        assert [x == y for x, y in zip(found, expected)] == [True] * len(found), (backend, count)
"""


def test_backends_and_threads_change_no_bit(tmp_path: Path) -> None:
    """With a budget of eight, so that eight threads do compute."""
    path = tmp_path / "bits.py"
    path.write_text(CODE, encoding="utf-8")
    run_python(f"import runpy; runpy.run_path({str(path)!r})", TREADLE_BUDGET="8")
