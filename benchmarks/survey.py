"""Do the architectures that people publish run, how far from torch are they, and how fast?

One variant of each family of timm, a library that has to be installed, with random weights: it is
scripted by torch, or traced where it cannot be scripted, saved, and run from the archive by Treadle
and by TorchScript (frozen), on one thread, in turns. Every model has a process of its own.
Expected: all run, within 1e-5 of the largest result, and none slower than TorchScript.
"""

import argparse
import importlib
import json
import math
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from benchmarks.bursts import in_turn
from benchmarks.results import ROOT, Result, document, make_console, write_json
from benchmarks.worker import timed_calls

MODELS = """
    beit_base_patch16_224 caformer_s18 cait_xxs24_224 coat_small convit_small convmixer_768_32
    convnext_small cpubone_nano crossvit_small_240 cs3darknet_s csatv2 cspnext_tiny davit_small
    deit_small_patch16_224 densenet121 dla34 dpn68 edgenext_small efficientformer_l1
    efficientformerv2_s0 efficientvim_m1 efficientvit_b0 efficientvit_m0 ese_vovnet19b_slim
    eva02_small_patch14_224 fasternet_s fastvit_s12 focalnet_tiny_srf gcvit_xxtiny gernet_s
    ghostnet_050 gmlp_s16_224 halonet26t hardcorenas_a hgnet_small hiera_small_224 hieradet_small
    hrnet_w18_small iformer_s inception_next_small inception_resnet_v2 inception_v3 inception_v4
    lcnetv2_small legacy_seresnet18 legacy_xception levit_128 lowformer_b0 mambaout_small
    maxvit_small_tf_224 mnasnet_small mobilevit_xxs mvitv2_small naflexvit_base_patch16_siglip
    nest_small nextvit_small nf_seresnet26 pit_xs_224 pvt_v2_b0 rdnet_small regnety_040_sgn
    repghostnet_050 repvit_m1 res2net50_26w_4s resnest26d resnet18 resnetv2_18 rexnet_100 selecsls42
    sequencer2d_s shvit_s1 skresnet18 starnet_s1 swiftformer_xs swin_s3_tiny_224
    swinv2_cr_small_224 swinv2_small_window8_256 tf_mobilenetv3_small_minimal_100
    tiny_vit_5m_224 tnt_s_patch16_224 twins_svt_small vgg11 visformer_small vitamin_small_224
    vit_relpos_small_patch16_224 vit_small_patch16_18x2_224 vit_small_r26_s32_224 volo_d1_224
    xception41 xcit_small_12_p8_224
"""
ROUNDS, BURST_S = 4, 0.2


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one model; times in seconds, `error` relative to the largest result."""

    name: str
    parameters: int
    scripted: bool
    error: float
    unplanned: str
    load_s: float
    first_s: float
    ours_s: list[float]
    theirs_s: list[float]

    @property
    def ratio(self) -> float:
        """Our best time over TorchScript's."""
        return min(self.ours_s) / min(self.theirs_s)


def survey_one(name: str) -> Found:
    """Save, load, compare and time one model."""
    import torch

    import treadle

    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    treadle.set_num_threads(1)
    timm = importlib.import_module("timm")
    module = timm.create_model(name, pretrained=False, scriptable=True).eval()
    x = torch.randn(1, *module.default_cfg["input_size"])
    scripted = True
    try:
        script = torch.jit.script(module)
    except Exception:  # timm has some modules that are Python through and through
        scripted, script = False, torch.jit.trace(module, (x,), check_trace=False)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.pt"
        script.save(str(archive))
        start = time.perf_counter()
        model = treadle.load(str(archive))
        loaded = time.perf_counter()
        y = np.asarray(model(x.numpy()))
        first = time.perf_counter()
    wanted = module(x).numpy()
    frozen, array = torch.jit.freeze(script), x.numpy()
    calls: dict[str, Callable[[], Any]] = {
        "ours": lambda: model(array), "theirs": lambda: frozen(x)
    }  # fmt: skip
    times = timed(calls)
    error = np.abs(y - wanted).max() / max(np.abs(wanted).max(), 1e-30)
    return Found(
        name, sum(p.numel() for p in module.parameters()), scripted, float(error),
        model.explain(array).reason, loaded - start, first - loaded, times["ours"], times["theirs"],
    )  # fmt: skip


def timed(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """The best time of each call in each round, in seconds."""
    best: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in in_turn(list(calls.items()), ROUNDS):
        best[name].append(min(timed_calls(call, BURST_S)) / 1e9)
    return best


def collect(names: Sequence[str], timeout: float, progress: Progress) -> dict[str, Found | str]:
    """What came of each model, or why nothing did."""
    bar = progress.add_task("survey", total=len(names))
    found: dict[str, Found | str] = {}
    for name in names:
        progress.update(bar, description=f"survey, {name}")
        command = [sys.executable, "-m", "benchmarks.survey", "--one", name]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            found[name] = f"took over {timeout:.0f} s"
        else:
            last = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1:]
            found[name] = Found(**json.loads(last[0])) if done.returncode == 0 else "".join(last)
        progress.advance(bar)
    return found


def make_table(found: dict[str, Found | str]) -> Table:
    """A line for each model, and the geometric mean of the ratios."""
    table = Table(title="timm, one thread: Treadle and TorchScript")
    for heading in ("model", "M parameters", "error", "load s", "first s", "ms", "ratio", "notes"):
        table.add_column(heading, justify="left" if heading in ("model", "notes") else "right")
    for name, one in found.items():
        if isinstance(one, str):
            table.add_row(name, *[""] * 6, one)
            continue
        notes = [*([] if one.scripted else ["traced"]), *([one.unplanned] if one.unplanned else [])]
        table.add_row(
            name, f"{one.parameters / 1e6:.1f}", f"{one.error:.1e}", f"{one.load_s:.2f}",
            f"{one.first_s:.2f}", f"{min(one.ours_s) * 1e3:.2f}", f"{one.ratio:.2f}",
            "; ".join(notes),
        )  # fmt: skip
    ratios = [one.ratio for one in found.values() if isinstance(one, Found)]
    if ratios:
        mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
        table.add_row(f"{len(ratios)} of {len(found)}", *[""] * 5, f"{mean:.2f}", "geometric mean")
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", help="names of timm (default: one of each family)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for a model")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(asdict(survey_one(arguments.one))))
        return
    console = make_console()
    with Progress(console=console) as progress:
        found = collect(arguments.models or MODELS.split(), arguments.timeout, progress)
    console.print(make_table(found))
    if arguments.json:
        results = [
            Result(f"{one.name} / {engine}", "s", tuple(times), tuple(times))
            for one in found.values()
            if isinstance(one, Found)
            for engine, times in (("treadle", one.ours_s), ("torchscript", one.theirs_s))
        ]
        failed = {name: why for name, why in found.items() if isinstance(why, str)}
        write_json(arguments.json, document("survey", results, {"failed": failed}))


if __name__ == "__main__":
    main()
