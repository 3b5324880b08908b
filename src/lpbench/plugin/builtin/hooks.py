"""The hooks of the built-in plugin; the core offers its parts as any other plugin does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.builtin.commands import COMMANDS
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import CommandSpec, MetricSpec, ProcessorSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Offer raw tensors: generated, or read from numpy's files."""
    summary = "raw tensors: seeded random values, or .npy and .npz files"
    config = "lpbench.plugin.builtin.tensors:TensorConfig"
    register(
        ProcessorSpec(
            "tensors",
            "lpbench.plugin.builtin.tensors:TensorPreprocessor",
            summary,
            requires=("numpy",),
            hint="pip install numpy",
            config=config,
            suffixes=(".npy", ".npz"),
            guess="lpbench.plugin.builtin.guesses:guess_inputs",
            case="lpbench.testing.tensor_cases:preprocessor",
        )
    )


@hookimpl
def lpbench_register_postprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Offer unchanged outputs."""
    summary = "raw outputs, unchanged"
    register(
        ProcessorSpec(
            "tensors",
            "lpbench.plugin.builtin.tensors:TensorPostprocessor",
            summary,
            config="lpbench.plugin.builtin.tensors:RawConfig",
            guess="lpbench.plugin.builtin.guesses:guess_outputs",
            case="lpbench.testing.tensor_cases:postprocessor",
        )
    )


@hookimpl
def lpbench_register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Offer the quality metrics that need no library."""
    labelled = ("image_classification", "object_classification", "emotion", "audio_classification")
    metrics = (
        ("top1", "Top1", "share of samples whose best label is right", "", labelled, True),
        ("top5", "Top5", "share of samples whose right label is among the best five", "", labelled, True),
        ("f1", "MacroF1", "mean over classes of the F1 score of the best label", "", labelled, True),
        ("auc", "Auc", "area under the ROC curve of the score, truth 1 or 0", "", (), True),
        ("average-precision", "AveragePrecision", "area under precision and recall of the score", "", (), True),
        ("mae", "MeanAbsoluteError", "mean absolute error of a value", "", (), False),
        ("mse", "MeanSquaredError", "mean squared error of a value", "", (), False),
        (
            "cer",
            "CharacterErrorRate",
            "edit distance to the true text, divided by its length",
            "",
            ("speech_recognition", "text_recognition"),
            False,
        ),
    )
    for name, kind, summary, unit, classes, higher in metrics:
        target = f"lpbench.plugin.builtin.quality_metrics:{kind}"
        register(MetricSpec(name, target, summary, unit=unit, classes=classes, higher_is_better=higher))


@hookimpl
def lpbench_register_commands(register: Callable[[CommandSpec], None]) -> None:
    """Offer lpbench's own commands."""
    for name, summary in COMMANDS.items():
        register(CommandSpec(name, f"lpbench.cli.{name.replace('-', '_')}", summary))
