"""Measure an app of the catalogue and read the result: the latency, its interval, and the app's predictions.

The first call fetches and builds the app.  Run: python examples/measure_app.py
"""

import lpbench

result = lpbench.benchmark("imagenet-mobilenet-v2", engine="onnxruntime", threads=1, number=48)

latency = result.latency
print(f"{latency.value:.2f} ms from {latency.n} samples, {latency.source}")
if latency.interval:
    print(
        f"between {latency.interval.lower:.2f} and {latency.interval.upper:.2f} ms at {latency.interval.confidence:.0%}"
    )

measured = result.configurations[0]
for prediction in measured.predictions:
    best = prediction["top"][0]
    print(f"{prediction['sample']:14} {best['label']} ({best['score']:.2f})")

power = measured.metrics["POWER_CONSUMPTION"]
print("power:", power.value if power.value is not None else f"unknown, {power.reason}")
