"""What a worker is asked, as values that JSON can carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping  # noqa: TC003 - the wire reads the annotations
from dataclasses import dataclass, field
from typing import Any

from lpbench.plugin.configuration import EngineConfiguration  # noqa: TC001 - the wire reads the annotations
from lpbench.util.jsonable import to_jsonable


@dataclass(frozen=True)
class OpenRequest:
    """Open an app on an engine.

    :param app: As ``App.request`` gives it.
    :param others: By the names of components whose models the engine does not read: what runs them.
    :param samples: Files, in the order of measuring; none means synthetic samples.
    :param seed: For synthetic samples.
    :param draw: A folder for pictures of what is found; empty draws none.
    """

    app: Mapping[str, Any]
    configuration: EngineConfiguration
    others: Mapping[str, EngineConfiguration] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    seed: int = 0
    draw: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return the request as JSON."""
        found: dict[str, Any] = to_jsonable(dataclasses.asdict(self))
        return found
