"""What engines may need beside this environment and the one app: other environments, other apps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.app.default_engine import installed, require_ready
from lpbench.plugin.engine_options import elsewhere, of_another_app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.app.model import App
    from lpbench.errors import LpbenchError
    from lpbench.jobs.environments._asking import Environments
    from lpbench.plugin.engine_options import EngineWords
    from lpbench.plugin.registry import Offer
    from lpbench.plugin.specs import EngineSpec


@dataclass(frozen=True)
class Around:
    """What engines may need beside their own environment and app.

    :param failed: Why no model could be made, by the words of an engine or by its name.
    :param environments: Those that engines name; None where no other than this one is measured in.
    :param apps: Those that engines name, by their words.
    """

    failed: Mapping[str, LpbenchError] = field(default_factory=dict)
    environments: Environments | None = None
    apps: Mapping[str, App] = field(default_factory=dict)

    def offer(self, words: EngineWords) -> Offer[EngineSpec]:
        """Return an engine that is ready, in the environment that it names.

        :raises LpbenchError: It is not.
        """
        if not words.environment:
            return require_ready(installed(words.name))
        if self.environments is None:
            raise elsewhere(f"{words.name}@{words.environment}")
        return self.environments.get(words.environment).offer(words.name)

    def app(self, words: EngineWords) -> App | None:
        """Return the app that an engine runs in place of the others' app.

        :raises ConfigError: It names one where all engines have the same.
        """
        named = words.common.get("app", "")
        if named and named not in self.apps:
            raise of_another_app(f"{words.name}:app={named}")
        return self.apps.get(named)
