"""Takes named members out of archives that are hostile until proven otherwise.

Only regular files that were asked for by their exact names are written, under
names of the caller's choosing and never outside the folder; links, devices,
encrypted and doubled members are refused, and so is anything that grows beyond
the limits when it is unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NoReturn, Protocol

from lpbench.errors import PullError

if TYPE_CHECKING:
    import tarfile
    import zipfile
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CHUNK = 1 << 20
"""Bytes copied at a time."""

ZIP = (".whl", ".zip")
TAR = (".tar", ".tar.gz", ".tgz")
NAME_BYTES = 200
"""Longest part of a path; file systems take 255 bytes."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    :param members: Members listed in the archive.
    :param member: Unpacked bytes of one member.
    :param total: Unpacked bytes of all members that are read.
    :param header: Bytes that a tar header may ask for at once.
    """

    members: int = 100_000
    member: int = 1 << 30
    total: int = 2 << 30
    header: int = 4 << 20


LIMITS = Limits()


class _Seekable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def seek(self, position: int, /) -> int: ...

    def tell(self) -> int: ...


def extract(archive: Path, members: Mapping[str, str], folder: Path, *, limits: Limits = LIMITS) -> None:
    """Write each member of a zip or tar archive that ``members`` names into ``folder``.

    :param members: Path inside the archive to path under ``folder``, both with ``/``.
    :param folder: A folder of ours; what lies there already is never overwritten.
    :raises PullError: Naming the archive and the member.
    """
    for member, name in members.items():
        _check_path(archive, member, member)
        _check_path(archive, member, name)
    try:
        found = _unpack(archive, members, folder, limits)
    except _broken() as error:
        # what has a number comes from the file system, but a position before the file's start from the archive
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        raise PullError(
            f"cannot be read: {type(error).__name__}: {error}",
            where=str(archive),
            hint="the file is damaged; delete it and pull again",
        ) from error
    for member in members:
        if member not in found:
            _refuse(archive, member, "is not in the archive")


def _unpack(archive: Path, members: Mapping[str, str], folder: Path, limits: Limits) -> set[str]:
    """Write the members and return those that were there."""
    found: set[str] = set()
    left = limits.total
    with _opened(archive, limits) as entries:
        for count, entry in enumerate(entries, start=1):
            if count > limits.members:
                _refuse(archive, entry.name, f"is member {count}; {limits.members} are allowed")
            if entry.name not in members:
                continue
            if entry.name in found:
                _refuse(archive, entry.name, "is there twice")
            if entry.refusal:
                _refuse(archive, entry.name, entry.refusal)
            found.add(entry.name)
            left -= _copy(archive, entry, folder / members[entry.name], min(left, limits.member))
    return found


@dataclass(frozen=True)
class _Entry:
    """One member as the archive lists it; ``refusal`` says why it may not be read."""

    name: str
    size: int
    refusal: str
    source: _Source


class _Source(Protocol):
    def open(self) -> IO[bytes]: ...


@dataclass(frozen=True)
class _ZipSource:
    opened: zipfile.ZipFile
    info: zipfile.ZipInfo

    def open(self) -> IO[bytes]:
        return self.opened.open(self.info)


@dataclass(frozen=True)
class _TarSource:
    opened: tarfile.TarFile
    info: tarfile.TarInfo

    def open(self) -> IO[bytes]:
        found = self.opened.extractfile(self.info)
        if found is None:  # kept from happening by the check for regular files
            raise ValueError(self.info.name)
        return found


@contextlib.contextmanager
def _opened(archive: Path, limits: Limits) -> Iterator[Iterator[_Entry]]:
    import gzip
    import tarfile
    import zipfile

    if archive.name.endswith(ZIP):
        with zipfile.ZipFile(archive) as zipped:
            yield _zip_entries(zipped)
    elif archive.name.endswith(TAR):
        plain = archive.name.endswith(".tar")
        with (
            archive.open("rb") if plain else gzip.open(archive, "rb") as stream,
            # tarfile only calls read, seek and tell
            tarfile.open(fileobj=_Bounded(stream, limits), mode="r:") as tarred,  # type: ignore[call-overload]
        ):
            yield _tar_entries(tarred)
    else:
        raise PullError("is no archive of a known kind", where=str(archive), hint=f"known: {', '.join((*ZIP, *TAR))}")


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in opened.infolist():
        # orig_filename: zipfile cuts its own copy at a zero byte
        yield _Entry(info.orig_filename, info.file_size, _zip_refusal(info), _ZipSource(opened, info))


def _zip_refusal(info: zipfile.ZipInfo) -> str:
    import zipfile

    encrypted = 1
    mode = info.external_attr >> 16
    if info.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "is no regular file"
    if info.flag_bits & encrypted:
        return "is encrypted"
    # the other methods are unpacked without a bound on memory
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return f"is compressed by method {info.compress_type}; stored and deflated are allowed"
    return ""


def _tar_entries(opened: tarfile.TarFile) -> Iterator[_Entry]:
    for info in opened:
        refusal = "" if info.isreg() and not info.issparse() else "is no regular file"
        yield _Entry(info.name.removeprefix("./"), info.size, refusal, _TarSource(opened, info))


class _Bounded:
    """A stream that refuses to be read too far, or too much at once.

    A tar header says how long the names after it are, and tarfile reads them whole.
    """

    def __init__(self, stream: _Seekable, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits

    def read(self, size: int = -1) -> bytes:
        most = max(self._limits.header, CHUNK)
        if not 0 <= size <= most:
            raise ValueError(f"a header asks for {size} bytes; {most} are allowed")
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        # twice: skipped members count here as well, and headers and padding come on top
        if position > 2 * self._limits.total:
            raise ValueError(f"unpacks to more than {2 * self._limits.total} bytes")


def _copy(archive: Path, entry: _Entry, target: Path, limit: int) -> int:
    """Write one member to a new file, counting what really comes; return its bytes."""
    if not 0 <= entry.size <= limit:
        _refuse(archive, entry.name, f"unpacks to {entry.size} bytes; {limit} are allowed")
    done = 0
    with entry.source.open() as source, _created(archive, entry.name, target) as sink:
        while chunk := source.read(CHUNK):
            done += len(chunk)
            if done > entry.size:
                _refuse(archive, entry.name, f"holds more than the {entry.size} bytes it states")
            sink.write(chunk)
    if done < entry.size:
        _refuse(archive, entry.name, f"ends after {done} of {entry.size} bytes")
    return done


def _created(archive: Path, member: str, target: Path) -> IO[bytes]:
    """Open a file that was not there; a link in its place is not followed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb")
    except (FileExistsError, NotADirectoryError):
        _refuse(archive, member, f"would overwrite {target}")


def _check_path(archive: Path, member: str, path: str) -> None:
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or any(part in {"", ".", ".."} for part in parts):
        _refuse(archive, member, f"has a path that is not plain and relative: {path!r}")
    if max(len(part.encode()) for part in parts) > NAME_BYTES:
        _refuse(archive, member, f"has a path with a part of more than {NAME_BYTES} bytes")


def _refuse(archive: Path, member: str, why: str) -> NoReturn:
    raise PullError(f"member {member!r} {why}", where=str(archive))


def _broken() -> tuple[type[Exception], ...]:
    """Return what the standard library raises for archives that are not what they claim."""
    import struct
    import tarfile
    import zipfile
    import zlib

    return (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        OSError,
        struct.error,
        EOFError,
        ValueError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
    )
