"""Sound source with values that no operator can take: an error each, at once, inputs unchanged."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

import treadle
from tests.frontends.torchscript.test_hostile_source import _PICKLE
from treadle.errors import DeadlineExceeded, Error

INPUT = np.arange(12, dtype=np.float32).reshape(3, 4)
INDEX = np.array([[0, 7], [1, -9]])


def model(body: str, *, interpret: bool = False) -> treadle.Module:
    """The module of an archive whose forward has these lines."""
    head = "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    text = f"{head}  def forward(self: __torch__.M, x: Tensor, i: Tensor) -> Tensor:\n{lines}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("m/data.pkl", _PICKLE)
        file.writestr("m/code/__torch__.py", text)
        file.writestr("m/constants.pkl", b"\x80\x02).")
        file.writestr("m/version", b"10\n")
    return treadle.load(buffer.getvalue(), interpret=interpret)


IMAGE = "y = torch.reshape(x, [1, 1, 3, 4])\n"
OUT_OF_RANGE = (
    "return torch.as_strided(x, [4, 4], [4, 4], 2)",
    "return torch.as_strided(x, [2], [-1], 0)",
    "return torch.embedding(x, i)",
    "return torch.gather(x, 1, i)",
    "return torch.index_select(x, 0, torch.select(i, 1, 1))",
    "return torch.index_put(x, [torch.select(i, 1, 1)], torch.zeros([4]))",
    "return torch.index_put_(x, [torch.select(i, 1, 1)], torch.zeros([4]))",
    "return torch.scatter(x, 1, i, 1.5)",
    "return torch.scatter_(x, 1, i, torch.ones([2, 2]))",
    "return torch.index_add_(x, 0, torch.select(i, 1, 1), torch.ones([2, 4]))",
    "return torch.index_copy_(x, 0, torch.select(i, 1, 1), torch.ones([2, 4]))",
    "return torch.index_fill_(x, 0, torch.select(i, 1, 1), 9)",
    "return torch.take(x, torch.mul(i, 9))",
    "return torch.max_unpool2d(torch.reshape(x, [1, 3, 4]), torch.reshape(torch.arange(90, 102), "
    "[1, 3, 4]), [6, 8])",
    "return torch.one_hot(i, 3)",
    "return torch.bincount(torch.reshape(i, [-1]))",
    "return x[5]",
    "return torch.slice(x, 9)",
    "return torch.select(x, 1, 4)",
)
UNSOUND = (
    IMAGE + "return torch.conv2d(y, y, None, [1, 1], [0, 0], [1, 1], 0)",
    IMAGE + "return torch.conv2d(y, y, None, [0, 0])",
    IMAGE + "return torch.conv2d(y, y, None, [1, 1], [-1, 0])",
    IMAGE + "return torch.conv2d(y, y, None, [1, 1], [0, 0], [0, 0])",
    IMAGE + "return torch.conv2d(y, torch.ones([1, 1, 9, 9]))",
    IMAGE + "return torch.max_pool2d(y, [9, 9])",
    IMAGE + "return torch.max_pool2d(y, [0, 0])",
    IMAGE + "return torch.avg_pool2d(y, [2, 2], [0, 0])",
    IMAGE + "return torch.pixel_shuffle(y, 0)",
    "h = torch.zeros([1, 3, 2])\n"
    "y, a, b = torch.lstm(torch.reshape(x, [1, 3, 4]), [h, h], [torch.ones([2, 4]), "
    "torch.ones([2, 2]), torch.ones([2]), torch.ones([2])], True, 1, 0., False, False, False)\n"
    "return y",
    "y, _ = torch._pack_padded_sequence(x, torch.tensor([9, 1, 1, 1]), False)\nreturn y",
    "return torch.add(x, torch.remainder(1, torch.floordiv(torch.len(x), 9)))",
    "return torch.floor_divide(torch.to(x, 4), 0)",
    "return torch.remainder(torch.to(x, 4), torch.zeros([4], dtype=4))",
)
TOO_LARGE = (
    "return torch.zeros([4611686018427387904, 4])",
    "return torch.repeat(x, [4294967296, 4294967296])",
    "return torch.expand(torch.ones([1]), [4611686018427387904, 8])",
    "return torch.clone(torch.expand(torch.ones([1]), [1099511627776]))",
    "return torch.reshape(x, [4611686018427387904, 4])",
    "return torch.view(x, [-1, 0])",
    "return torch.arange(0, 4611686018427387904)",
    "return torch.eye(2147483647)",
    "return torch.constant_pad_nd(x, [0, 1099511627776])",
    "return torch.tril_indices(4294967296, 4294967296)",
    "return torch.repeat_interleave(x, 1099511627776)",
)


BODIES = ((28, OUT_OF_RANGE), (29, UNSOUND), (30, TOO_LARGE))
NUMBERS = {24, *(number for number, _ in BODIES)}
"""Which of the thirty inputs are tested here; for 24 see what is endless."""


@pytest.mark.parametrize("interpret", [False, True], ids=["planned", "interpreted"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, id=f"{number}-{body.splitlines()[-1][:40]}")
        for number, bodies in BODIES
        for body in bodies
    ],
)
def test_the_answer_is_an_error_and_inputs_stay(body: str, interpret: bool) -> None:
    x, start = INPUT.copy(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Error):
        model(body, interpret=interpret)(x, INDEX)
    assert np.array_equal(x, INPUT)
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak + (1 << 20)  # KiB


ENDLESS = "while torch.gt(torch.len(x), 0):\n  x = torch.add(x, 1)\nreturn x"


@pytest.mark.slow
def test_24_a_deadline_ends_one_run_while_others_go_on() -> None:
    endless, honest = model(ENDLESS), model("return torch.neg(x)")
    results: list[object] = []
    worker = threading.Thread(target=lambda: results.append(honest(INPUT, INDEX)))
    worker.start()
    with pytest.raises(DeadlineExceeded):
        endless(INPUT, INDEX, timeout=0.3)
    worker.join()
    assert np.array_equal(np.asarray(results[0]), -INPUT)


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        ENDLESS,
        "n = 0\nwhile torch.ge(n, 0):\n  n = torch.add(n, 1)\n  print(n)\nreturn x",
        f"def __forked_function():\n  {ENDLESS.replace(chr(10), chr(10) + '  ')}\n"
        "f = fork(__forked_function)\nreturn torch.wait(f)",
    ],
    ids=["tensors", "numbers", "a wait"],
)
def test_24_control_c_ends_an_endless_run(body: str) -> None:
    program = (
        f"from tests.archives.test_hostile_values import *\nm = model({body!r})\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "print('running', file=sys.stderr, flush=True)\nm(INPUT, INDEX)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "running\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=300)[1]
    finally:
        process.kill()
        process.communicate()


def test_a_long_chain_of_tasks_runs() -> None:
    lines = ["def task0():", "  return torch.neg(x)", "f0 = fork(task0)"]
    for i in range(1, 400):
        wait = f"  return torch.neg(torch.wait(f{i - 1}))"
        lines += [f"def task{i}():", wait, f"f{i} = fork(task{i})"]
    module = model("\n".join([*lines, "return torch.wait(f399)"]))
    assert np.array_equal(np.asarray(module(INPUT, INDEX)), INPUT)
