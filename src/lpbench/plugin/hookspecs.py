"""The hooks that a plugin may implement.

A plugin is a module named in the ``lpbench`` entry-point group of its
distribution.  lpbench imports it to list its offers, so it must import nothing
heavy: it registers specs, and a spec names its implementation by import path.
Every hook is optional and is called once for each discovery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.algorithm_spec import AlgorithmSpec
    from lpbench.plugin.specs import (
        AnalyzerSpec,
        AppSpec,
        CommandSpec,
        ConverterSpec,
        EngineSpec,
        MetricSpec,
        MonitorSpec,
        ProcessorSpec,
    )

PROJECT = "lpbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Offer inference engines.

    Example::

        @lpbench.hookimpl
        def lpbench_register_engines(register):
            register(EngineSpec("tensorrt", "lpbench_trt._engine:TensorRtEngine", requires=("tensorrt",)))

    :param register: Call it once for each engine.  A name that is already taken is an error.
    """


@hookspec
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Offer steps that turn a sample into a model's input.

    Example::

        @lpbench.hookimpl
        def lpbench_register_preprocessors(register):
            register(ProcessorSpec("image", "lpbench_image._pre:ImagePreprocessor", suffixes=(".jpg", ".png")))

    :param register: Call it once for each preprocessor.
    """


@hookspec
def lpbench_register_postprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Offer steps that turn a model's output into a prediction.

    Example::

        @lpbench.hookimpl
        def lpbench_register_postprocessors(register):
            register(ProcessorSpec("classification", "lpbench_image._classify:Classification"))

    :param register: Call it once for each postprocessor.
    """


@hookspec
def lpbench_register_monitors(register: Callable[[MonitorSpec], None]) -> None:
    """Offer monitors of resources, which sample in a process of their own while samples run.

    Example::

        @lpbench.hookimpl
        def lpbench_register_monitors(register):
            register(MonitorSpec("fan", "lpbench_acme.fan:Fan", "speed of the fan", metrics=("FAN_SPEED",)))

    :param register: Call it once for each monitor.
    """


@hookspec
def lpbench_register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Offer quality metrics.

    Example::

        @lpbench.hookimpl
        def lpbench_register_metrics(register):
            register(MetricSpec("top1", "lpbench_image._metrics:top1", "share of samples whose best label is right"))

    :param register: Call it once for each metric.
    """


@hookspec
def lpbench_register_converters(register: Callable[[ConverterSpec], None]) -> None:
    """Offer converters between model formats.

    Example::

        @lpbench.hookimpl
        def lpbench_register_converters(register):
            register(ConverterSpec("pnnx", "lpbench_ncnn._convert:Pnnx", "ONNX to ncnn"))

    :param register: Call it once for each converter.
    """


@hookspec
def lpbench_register_analyzers(register: Callable[[AnalyzerSpec], None]) -> None:
    """Offer static analyses of models, one for each format.

    Example::

        @lpbench.hookimpl
        def lpbench_register_analyzers(register):
            register(AnalyzerSpec("onnx", "lpbench_ort._analyzer:OnnxAnalyzer", formats=("onnx",), version="1"))

    :param register: Call it once for each analyzer.
    """


@hookspec
def lpbench_register_algorithms(register: Callable[[AlgorithmSpec], None]) -> None:
    """Offer algorithms that ``lpbench sweep`` measures as it measures apps.

    Example::

        @lpbench.hookimpl
        def lpbench_register_algorithms(register):
            signature = Signature((Variable("bits", lower=4, upper=53),))
            register(AlgorithmSpec("fft", "lpbench_acme.fft:Fft", "a Fourier transform", signature=signature))

    :param register: Call it once for each algorithm.
    """


@hookspec
def lpbench_register_apps(register: Callable[[AppSpec], None]) -> None:
    """Offer catalogue entries: AI apps that ``lpbench pull`` fetches and builds.

    Example::

        @lpbench.hookimpl
        def lpbench_register_apps(register):
            register(AppSpec("imagenet-mobilenet-v2", "lpbench_image.apps:MOBILENET_V2", "ImageNet classification"))

    :param register: Call it once for each entry.
    """


@hookspec
def lpbench_register_commands(register: Callable[[CommandSpec], None]) -> None:
    """Offer commands of ``lpbench``.

    Example::

        @lpbench.hookimpl
        def lpbench_register_commands(register):
            register(CommandSpec("report", "lpbench_report._command", "write an HTML report"))

    :param register: Call it once for each command.
    """
