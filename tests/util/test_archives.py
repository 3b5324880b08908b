"""Archives are hostile: what is asked for comes out, nothing leaves the folder, nothing grows without bound."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lpbench.errors import PullError
from lpbench.util.archives import Limits, extract

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[Path, dict[str, bytes]], Path]

SMALL = Limits(members=50, member=1000, total=1500, header=2000)


def wheel(folder: Path, members: dict[str, bytes], name: str = "a.whl") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as opened:
        for member, content in members.items():
            opened.writestr(member, content)
    return folder / name


def tarball(folder: Path, members: dict[str, bytes], name: str = "a.tgz") -> Path:
    with tarfile.open(folder / name, "w:gz") as opened:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return folder / name


def tar_with(folder: Path, **fields: object) -> Path:
    info = tarfile.TarInfo("member")
    for key, value in fields.items():
        setattr(info, key, value)
    with tarfile.open(folder / "a.tar", "w") as opened:
        opened.addfile(info)
    return folder / "a.tar"


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("make", [wheel, tarball])
def test_only_the_named_members_come_out(tmp_path: Path, make: Make) -> None:
    """A zip and a tar.gz of three members: two are asked for under new names, one into a subfolder."""
    archive = make(tmp_path, {"pkg/a.bin": b"A" * 5000, "pkg/b.txt": b"", "setup.py": b"boom"})
    extract(archive, {"pkg/a.bin": "weights.bin", "pkg/b.txt": "texts/b.txt"}, tmp_path / "out")
    assert files_under(tmp_path / "out") == ["texts/b.txt", "weights.bin"]
    assert (tmp_path / "out/weights.bin").read_bytes() == b"A" * 5000


def test_members_of_a_tar_may_begin_with_a_dot(tmp_path: Path) -> None:
    """Tars of a Debian package name their members ./usr/...; entries name them without."""
    extract(tarball(tmp_path, {"./usr/a": b"x"}), {"usr/a": "a"}, tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == b"x"


@pytest.mark.parametrize("make", [wheel, tarball])
def test_a_missing_member_is_named(tmp_path: Path, make: Make) -> None:
    """The error says which archive and which member."""
    archive = make(tmp_path, {"a": b"x"})
    with pytest.raises(PullError, match=rf"{archive.name}: member 'b' is not in the archive"):
        extract(archive, {"a": "a", "b": "b"}, tmp_path / "out")


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", "", "a//b", "./a", "a\\b", "a\0b", "a\nb", "n" * 201, "a/", "\ud800"]
)
@pytest.mark.parametrize("make", [wheel, tarball])
def test_no_target_outside_the_folder(tmp_path: Path, make: Make, path: str) -> None:
    """Whatever an entry asks for, a target that is not plain and relative is refused before anything is read."""
    archive = make(tmp_path, {"a": b"x"})
    with pytest.raises(PullError, match="path"):
        extract(archive, {"a": path}, tmp_path / "out")
    assert files_under(tmp_path) == [archive.name]


PARTS = st.sampled_from(["..", ".", "", "a", "b", "~", "con", "\0", "\\", "c:", " ", "é", "a" * 300])
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=4).map("/".join),
    # writers encode names too: what they cannot write is no attack
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


@settings(max_examples=80, deadline=None)
@given(make=st.sampled_from([wheel, tarball]), members=st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_whatever_an_archive_holds_nothing_is_written_outside(make: Make, members: list[str]) -> None:
    """Archives with arbitrary member names, some nasty, each asked for by its own name: inside, or an error."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            archive = make(folder, dict.fromkeys(members, b"x"))
        except (ValueError, IndexError):
            reject()
        with contextlib.suppress(PullError):
            extract(archive, {member: member for member in members}, folder / "out")
        assert [each for each in files_under(folder) if not each.startswith("out/")] == [archive.name]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "not a regular file"),
        ({"type": tarfile.LNKTYPE, "linkname": "member"}, "not a regular file"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, "not a regular file"),
        ({"type": tarfile.FIFOTYPE}, "not a regular file"),
        ({"type": tarfile.DIRTYPE}, "not a regular file"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, fields: dict[str, object], why: str) -> None:
    """A member that was asked for, but is a link, a device, a pipe or a folder."""
    with pytest.raises(PullError, match=f"member 'member' is {why}"):
        extract(tar_with(tmp_path, **fields), {"member": "a"}, tmp_path / "out")
    assert not (tmp_path / "out/a").exists()


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    """A zip keeps the file's mode in its attributes; a symbolic link is one."""
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(PullError, match="not a regular file"):
        extract(tmp_path / "a.zip", {"link": "a"}, tmp_path / "out")


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    """What lies at the target already is neither followed nor overwritten."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "outside")
    with pytest.raises(PullError, match="would overwrite"):
        extract(wheel(tmp_path, {"a": b"x"}), {"a": "a"}, tmp_path / "out")
    assert not (tmp_path / "outside").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path, suffix: str) -> None:
    """Two members of one name: tools disagree which one counts."""
    archive = tmp_path / f"a{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("a", "one")
            opened.writestr("a", "two")
    else:
        with tarfile.open(archive, "w") as tarred:
            for _ in range(2):
                tarred.addfile(tarfile.TarInfo("a"))
    with pytest.raises(PullError, match=r"member 'a' (is in the archive twice|would overwrite)"):
        extract(archive, {"a": "a"}, tmp_path / "out")


@pytest.mark.parametrize("make", [wheel, tarball])
def test_a_bomb_is_refused(tmp_path: Path, make: Make) -> None:
    """A member that unpacks to more than is allowed, and several that do so together."""
    big = make(tmp_path, {"a": bytes(1001)})
    with pytest.raises(PullError, match="member 'a' unpacks to 1001 bytes; at most 1000 are allowed"):
        extract(big, {"a": "a"}, tmp_path / "one", limits=SMALL)
    many = make(tmp_path, {"a": bytes(900), "b": bytes(900)})
    with pytest.raises(PullError, match="member 'b' unpacks to 900 bytes; at most 600 are allowed"):
        extract(many, {"a": "a", "b": "b"}, tmp_path / "many", limits=SMALL)


@pytest.mark.parametrize("make", [wheel, tarball])
def test_too_many_members_are_refused(tmp_path: Path, make: Make) -> None:
    """More members than allowed, though only one was asked for."""
    archive = make(tmp_path, {**{str(at): b"" for at in range(51)}, "last": b"x"})
    with pytest.raises(PullError, match="is member 51 of the archive; at most 50 are allowed"):
        extract(archive, {"last": "a"}, tmp_path / "out", limits=Limits(members=50))


def test_a_member_without_a_name_is_no_fault(tmp_path: Path) -> None:
    """In a zip whose name begins with a zero byte."""
    path = wheel(tmp_path, {"x.bin": b"1", "a.bin": b"2"})
    path.write_bytes(path.read_bytes().replace(b"x.bin", b"\0.bin"))
    extract(path, {"a.bin": "a.bin"}, tmp_path / "out")
    assert files_under(tmp_path / "out") == ["a.bin"]


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    """The directory of the zip states 10 bytes; the member unpacks to 5000."""
    archive = wheel(tmp_path, {"a": bytes(5000)})
    content = archive.read_bytes().replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(content)
    with pytest.raises(PullError):
        extract(archive, {"a": "a"}, tmp_path / "out")


def test_a_tar_with_a_huge_header_is_refused(tmp_path: Path) -> None:
    """A long-name header of many megabytes, which tarfile would read whole, costs no memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 64 << 20
    with gzip.open(tmp_path / "a.tgz", "wb") as stream:
        stream.write(info.tobuf())
        stream.write(bytes(64 << 20))
    with pytest.raises(PullError, match="header requests"):
        extract(tmp_path / "a.tgz", {"a": "a"}, tmp_path / "out")


def test_a_tar_that_skips_far_is_refused(tmp_path: Path) -> None:
    """Members that were not asked for are unpacked to be skipped, and count."""
    archive = tarball(tmp_path, {"skipped": bytes(5000), "a": b"x"})
    with pytest.raises(PullError, match="unpacks to more than"):
        extract(archive, {"a": "a"}, tmp_path / "out", limits=SMALL)


NOISE = b"".join(hashlib.sha256(bytes([at])).digest() for at in range(64))


@settings(max_examples=150, deadline=None)
@given(make=st.sampled_from([wheel, tarball]), at=st.integers(0, 2700), junk=st.binary(max_size=4), cut=st.booleans())
def test_damaged_archives_are_errors(make: Make, at: int, junk: bytes, cut: bool) -> None:  # noqa: FBT001 - hypothesis passes values
    """Truncated and altered archives: members of the stated size, or an error that names the archive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = make(folder, {"a": NOISE, "b": b"y" * 300})
        whole = archive.read_bytes()
        archive.write_bytes(whole[:at] + junk + (b"" if cut else whole[at + len(junk) :]))
        try:
            extract(archive, {"a": "a", "b": "b"}, folder / "out")
        except PullError as error:
            told = str(error)
        else:
            told = archive.name
            assert (folder / "out/b").stat().st_size == 300
        assert archive.name in told


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    """An ending that is not known is an error which lists those that are."""
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(PullError, match=r"known: \.whl"):
        extract(tmp_path / "a.rar", {"a": "a"}, tmp_path / "out")
