"""A failed run leaves a session that works, and a device that is lost closes it once, with the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpbench.errors import EngineError
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.kit.device_session import DeviceSession, spans
from lpbench.plugin.kit.resources import Resources, acquiring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Feeds, Outputs

np = pytest.importorskip("numpy", reason="needs numpy")


class Call:
    """Doubles its input; raises what it is told to."""

    def __init__(self) -> None:
        self.raises: BaseException | None = None
        self.lost = False
        self.settled = 0

    def __call__(self, feeds: Feeds, /) -> Outputs:
        error, self.raises = self.raises, None
        if error:
            raise error
        return {"y": feeds["x"] * 2}

    def infos(self) -> tuple[Sequence[TensorInfo], Sequence[TensorInfo]]:
        return [TensorInfo("x", "float32", (2,))], [TensorInfo("y", "float32", (2,))]

    def unbind(self) -> None:
        """Nothing is bound."""

    def settle(self) -> bool:
        self.settled += 1
        return self.lost


class Doubling(DeviceSession[Call]):
    raised = (OverflowError,)
    lost = "reset the device"

    def in_words(self, error: Exception) -> EngineError:
        return EngineError(f"the library raised {error}")


@pytest.fixture
def released() -> list[str]:
    return []


@pytest.fixture
def session(released: list[str]) -> Doubling:
    resources = Resources()
    resources.add(lambda: released.append("memory"))
    return Doubling(Path("model.acme"), Call(), resources)


FEEDS = {"x": np.ones(2, np.float32)}


@pytest.mark.parametrize(
    ("raised", "words"),
    [(EngineError("no memory", hint="end others"), "no memory\nend others"), (OverflowError("7"), "library raised 7")],
    ids=["an error of the plugin's", "an exception of the library's"],
)
def test_a_failed_run_leaves_a_session_that_works(session: Doubling, raised: Exception, words: str) -> None:
    session.opened().raises = raised
    with pytest.raises(EngineError) as caught:
        session.run(FEEDS)
    assert words.partition("\n")[0] in str(caught.value)
    assert caught.value.hint == words.partition("\n")[2]
    assert caught.value.where == "model.acme"
    assert session.opened().settled == 1
    assert session.run(FEEDS)["y"].tolist() == [2, 2]


def test_an_interrupted_run_is_waited_for(session: Doubling) -> None:
    session.opened().raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        session.run(FEEDS)
    assert session.opened().settled == 1


def test_feeds_that_do_not_fit_are_named_and_nothing_is_waited_for(session: Doubling) -> None:
    call = session.opened()
    with pytest.raises(EngineError, match='input "x" is missing'):
        session.run({})
    assert call.settled == 0


def test_a_lost_device_closes_the_session_with_the_remedy(session: Doubling, released: list[str]) -> None:
    call = session.opened()
    call.raises, call.lost = EngineError("timeout"), True
    with pytest.raises(EngineError, match=r"timeout; the device is lost and the session is closed") as caught:
        session.run(FEEDS)
    assert caught.value.hint == "reset the device"
    assert released == ["memory"]
    with pytest.raises(EngineError, match=r"model\.acme: the session is closed"):
        session.run(FEEDS)
    session.close()
    assert released == ["memory"]


def test_what_cannot_be_released_is_told_with_the_model(session: Doubling, released: list[str]) -> None:
    def fails() -> None:
        raise EngineError("free failed")

    session._resources.add(fails)
    with pytest.raises(EngineError, match=r"model\.acme: free failed"):
        session.close()
    assert released == ["memory"]


@pytest.mark.parametrize("error", [EngineError("no memory"), KeyboardInterrupt()])
def test_opening_that_fails_releases_in_reverse_order(error: BaseException) -> None:
    order: list[str] = []

    def open_session() -> None:
        with acquiring(lambda: order.append("first")) as resources:
            resources.add(lambda: order.append("context"))
            resources.add(lambda: order.append("memory"))
            raise error

    with pytest.raises(type(error)):
        open_session()
    assert order == ["first", "memory", "context"]


def test_opening_that_succeeds_keeps_what_it_acquired() -> None:
    order: list[str] = []
    with acquiring() as resources:
        resources.add(lambda: order.append("memory"))
    assert order == []
    resources.close()
    assert order == ["memory"]


def test_spans_are_the_times_between_neighbouring_events() -> None:
    assert spans([1, 3, 8, 20], lambda begin, end: end - begin) == {"h2d": 2, "compute": 5, "d2h": 12}
