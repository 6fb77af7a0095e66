"""One script per question (`python -m benchmarks.latency`), each writing JSON for `compare`."""
