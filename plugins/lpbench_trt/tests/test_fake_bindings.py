"""The fake of TensorRT against NVIDIA's real bindings: it has nothing that a release lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_trt.tests.real import api as apis
from plugins.lpbench_trt.tests.real import wheels
from plugins.lpbench_trt.tests.real.versions import READ_API, Versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugins.lpbench_trt.tests.real.api import Api, Class, Member

RELEASES = [("8", "8.6.1"), ("10", "10.16.1.11"), ("11", "11.4.0.106")]
OURS = {"say", "ITEM_SIZES", "MAJOR", "VERSION", "annotations", *dir(bytearray)}
"""What the fake itself needs; that the plugin uses none of it is tested on the real bindings."""


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp)


@pytest.fixture(params=RELEASES, ids=[real for _, real in RELEASES])
def pair(
    request: pytest.FixtureRequest, versions: Versions, fake_sites: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[Api, Api]:
    """Return what the fake of a release has, and what the release has."""
    short, real = request.param
    monkeypatch.setenv("FAKE_TENSORRT", short)
    fake = wheels.Bindings(short, fake_sites[short], fake_sites[short])
    return apis.parsed(short, json.loads(fake.run(READ_API))), versions.api(real)


def shared(fake: Api, real: Api) -> Iterator[tuple[str, Class, Class]]:
    """Yield the classes that both have."""
    for name in fake.classes.keys() & real.classes.keys():
        yield name, fake.classes[name], real.classes[name]


def test_the_fake_has_no_name_that_the_release_lacks(pair: tuple[Api, Api]) -> None:
    """Such a name would lead the plugin, which asks by hasattr, where it never goes on a device."""
    fake, real = pair
    names = {name for name in fake.names.keys() - real.names.keys() if not name.startswith(("_", "fake_"))}
    assert {name for name in names if "._" not in name} <= OURS
    for name, ours, theirs in shared(fake, real):
        more = {member for member in ours.members.keys() - theirs.members.keys() if not member.startswith("_")}
        assert more <= OURS, name


def test_the_fake_is_called_as_the_release(pair: tuple[Api, Api]) -> None:
    """Parameters have the same names in the same order; the fake of 8 alone takes one that came later."""
    later = {("8", "ICudaEngine", "create_execution_context")}
    for name, ours, theirs in shared(*pair):
        for member in ours.members.keys() & theirs.members.keys():
            stated = parameters(theirs.members[member])
            if stated and member[0] != "_" and (pair[0].version, name, member) not in later:
                assert parameters(ours.members[member]) <= stated, f"{name}.{member}"


def parameters(member: Member) -> set[tuple[str, ...]]:
    """Return the parameters' names of each signature."""
    return {tuple(name for name, _ in signature.parameters) for signature in member.signatures}
