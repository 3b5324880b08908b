"""Data sheets of hardware platforms, deployment frameworks and models: what their sources state, with units.

The rows stand as JSON beside this module, each kind with a published schema.  A user's files add rows and replace what
they state of others.  What no source tells is None.
"""

from __future__ import annotations

from lpbench.datasheets.attributes import Attribute, attributes
from lpbench.datasheets.catalogue import Catalogue, Frameworks, Models, Platforms
from lpbench.datasheets.identity import platform_id, price
from lpbench.datasheets.reading import folder, read
from lpbench.datasheets.rows import DataSheet, Framework, ModelSheet, Platform
from lpbench.datasheets.values import Figure, Memory, Price, Span

__all__ = [
    "Attribute",
    "Catalogue",
    "DataSheet",
    "Figure",
    "Framework",
    "Frameworks",
    "Memory",
    "ModelSheet",
    "Models",
    "Platform",
    "Platforms",
    "Price",
    "Span",
    "attributes",
    "folder",
    "platform_id",
    "price",
    "read",
]
