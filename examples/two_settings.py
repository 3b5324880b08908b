"""Check whether a setting is worthwhile: the same model with two values of an option, run medians side by side.

Run: python examples/two_settings.py MODEL.onnx
"""

import sys

import lpbench

model = sys.argv[1]
results = {
    level: lpbench.benchmark(model, engine="onnxruntime", threads=1, options={"graph_optimization": level}, number=96)
    for level in ("disabled", "all")
}
for level, result in results.items():
    medians = ", ".join(f"{median / 1e6:.2f}" for median in result.configurations[0].run_medians())
    print(f"{level:9} run medians in ms: {medians}")
