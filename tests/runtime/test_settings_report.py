import re
from collections.abc import Iterator

import pytest

from treadle import options, runtime


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    threads = runtime.get_num_threads()
    yield
    runtime.set_num_threads(threads)


@pytest.mark.torch
def test_parallel_info_has_torchs_layout() -> None:
    import torch

    def shape(text: str) -> list[str]:
        kept = ("ATen", "\tat::", "std::thread", "Environment", "\tOMP", "\tMKL_NUM")
        return [line.split(":")[0] for line in text.splitlines() if line.startswith(kept)]

    torchs = torch.__config__.parallel_info()
    assert shape(runtime.parallel_info()) == shape(torchs)
    assert "\nATen parallel backend: native thread pool\n" in runtime.parallel_info()


def test_parallel_info_gives_each_number_its_origin() -> None:
    runtime.set_num_threads(3)
    info = runtime.parallel_info(as_dict=True)
    assert info["num_threads"] == runtime.Setting(3, "API")
    assert isinstance(info["budget"], runtime.Setting)
    assert "\tnum_threads : 3 (API)\n" in runtime.parallel_info()


def test_build_tools_find_the_backend() -> None:
    found = re.search(r"^ATen parallel backend: (.*)$", runtime.parallel_info(), re.MULTILINE)
    assert found is not None
    assert found[1] == "native thread pool"


def test_parallel_info_shows_the_environment_as_torch_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    text = runtime.parallel_info()
    assert "\tOMP_NUM_THREADS : 2\n\tMKL_NUM_THREADS : [not set]\n" in text


def test_a_limit_of_the_context_is_in_the_text_but_not_the_process_setting() -> None:
    runtime.set_num_threads(4)
    with runtime.threads(intra=1):
        assert "\tat::get_num_threads() : 1\n" in runtime.parallel_info()
        assert runtime.parallel_info(as_dict=True)["num_threads"] == runtime.Setting(4, "API")


def test_every_variable_has_value_origin_and_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_AFFINITY", "spread")
    monkeypatch.delenv("TREADLE_SPIN_US", raising=False)
    found = options.environment()
    assert found["TREADLE_AFFINITY"]["value"] == "spread"
    assert found["TREADLE_AFFINITY"]["origin"] == "environment"
    assert found["TREADLE_SPIN_US"]["value"] == "50"
    assert found["TREADLE_SPIN_US"]["origin"] == "default"
    assert all(entry["meaning"] for entry in found.values())
