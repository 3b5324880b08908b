"""Libraries of custom layers."""

from __future__ import annotations

import ctypes

from . import _cuda
from ._logger import ILogger
from ._native import _refuse

_registered = False


class IPluginRegistry:
    """Knows the libraries that were loaded."""

    def load_library(self, plugin_path: str) -> ctypes.CDLL | None:
        if not isinstance(plugin_path, str):
            raise _refuse("IPluginRegistry.load_library", (plugin_path,))
        if _cuda.fails("IPluginRegistry.load_library"):
            return None
        try:
            return ctypes.CDLL(plugin_path)
        except OSError:
            return None


def get_plugin_registry() -> IPluginRegistry:
    return IPluginRegistry()


def init_libnvinfer_plugins(logger: ILogger | None, namespace: str) -> bool:
    if not isinstance(logger, ILogger | None) or not isinstance(namespace, str):
        raise _refuse("init_libnvinfer_plugins", (logger, namespace))
    return not _cuda.fails("init_libnvinfer_plugins")
