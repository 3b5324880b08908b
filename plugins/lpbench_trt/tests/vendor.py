"""TensorRT's own calls, as the tests of the fake make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.fake_site import Fake


def logger(trt: Any) -> tuple[Any, list[str]]:
    """Return a logger, and the list of what it is told."""
    said: list[str] = []

    class Keeping(trt.ILogger):  # type: ignore[misc]  # the module is imported at run time
        def log(self, severity: Any, msg: str) -> None:
            said.append(msg)

    return Keeping(), said


def parsed(trt: Any, model: str) -> Any:
    log, _ = logger(trt)
    builder = trt.Builder(log)
    found = trt.OnnxParser(builder.create_network(1), log)
    found.parse_from_file(model)
    return found


def built(trt: Any, model: str, *flags: str, strongly_typed: bool = False, **options: Any) -> tuple[Any, list[str]]:
    """Return the plan or None, and what the logger was told."""
    log, said = logger(trt)
    builder = trt.Builder(log)
    net = builder.create_network(1 | strongly_typed << 1)
    assert trt.OnnxParser(net, log).parse_from_file(model)
    config = builder.create_builder_config()
    for each in flags:
        config.set_flag(getattr(trt.BuilderFlag, each))
    for name, given in options.items():
        setattr(config, name, given)
    return builder.build_serialized_network(net, config), said


def misuse(fake: Fake) -> str:
    return "; ".join(each.detail for each in fake.report() if each.what == "misuse")
