"""Engines: the models of their own conformance cases, damaged, opened and run in workers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar

from tests.attack.kinds import CrashedError, Kind, WrongError

from lpbench.errors import EngineError
from lpbench.plugin import registry
from lpbench.testing._attack import EngineAttack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random


class Engine(Kind):
    """An installed engine; its name is that of the class, after ``engine-``."""

    engine: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("numpy",)
    starts: ClassVar[bool] = True
    weight: ClassVar[float] = 2.0
    patience: ClassVar[float] = 45.0

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._attack = EngineAttack(self.engine, home, {})

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged model."""
        self._model = self._attack.write(random)
        shutil.copytree(self._attack.folder, folder, dirs_exist_ok=True)

    def read(self, folder: Path) -> Iterable[str]:
        """Have a worker open and run it."""
        outcome, words = self._attack.run(self._model)
        if outcome == "refused":
            raise EngineError(words)
        if outcome == "crashed":
            raise CrashedError(words)
        if outcome == "failed":
            raise WrongError(words)
        return ()


def _kinds() -> tuple[type[Kind], ...]:
    """Return a kind for each engine that is ready and brings a case."""
    offers = registry.current().all(registry.ENGINES).items()
    ready = [name for name, offer in offers if offer.spec.case and offer.availability()]
    return tuple(type("AnEngine", (Engine,), {"name": f"engine-{name}", "engine": name}) for name in ready)


KINDS = _kinds()
