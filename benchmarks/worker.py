"""The child process of one engine: loads a model, then answers commands, one per line.

`run SECONDS` answers with the nanoseconds of each call, `output PATH` writes the outputs. Answers
are lines of JSON on the first standard output; whatever an engine prints goes to standard error.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import LOADERS, Call

WARM_UP_SECONDS = 0.3


def timed_calls(call: Call, seconds: float) -> list[int]:
    """Time calls for about `seconds`, after one that is not counted."""
    call()
    times: list[int] = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    now = time.perf_counter_ns()
    while now < end or not times:
        call()
        after = time.perf_counter_ns()
        times.append(after - now)
        now = after
    return times


def main() -> None:
    """Load the model, say that it is ready, serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=LOADERS)
    parser.add_argument("model")
    parser.add_argument("archive", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore", DeprecationWarning)

    def answer(content: Any) -> None:
        answers.write(json.dumps(content) + "\n")

    with np.load(arguments.inputs) as stored:
        inputs = tuple(stored[name] for name in sorted(stored.files))
    load = LOADERS[arguments.engine]
    call, arrays = load(arguments.model, arguments.archive, inputs, arguments.threads)
    for _ in range(3):  # torch profiles the first calls and compiles at the second or third
        call()
    timed_calls(call, WARM_UP_SECONDS)
    answer("ready")
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            answer(timed_calls(call, float(argument)))
        elif command == "output":
            np.savez(argument, *arrays(call()))
            answer("written")


if __name__ == "__main__":
    main()
