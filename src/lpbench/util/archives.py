"""Extracts named members from archives, which are treated as hostile.

Only regular files that the caller names exactly are written, under names that the
caller chooses and never outside the folder.  Links, devices, encrypted members and
duplicate members are refused, as is anything that exceeds the limits when it is
unpacked.
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
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags that some systems lack: follow no link; on Windows, translate no line ends."""
NAME_BYTES = 200
"""Longest component of a path; file systems allow 255 bytes."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may contain.

    :param members: Members listed in the archive.
    :param member: Unpacked bytes of one member.
    :param total: Unpacked bytes of all members that are read.
    :param header: Bytes that a tar header may request at once.
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

    :param members: Maps each path inside the archive to a path under ``folder``, both with ``/``.
    :param folder: The target folder; existing files in it are never overwritten.
    :raises PullError: Naming the archive and the member.
    """
    for member, name in members.items():
        _check_path(archive, member, member)
        _check_path(archive, member, name)
    try:
        unpacked = _unpack(archive, members, folder, limits)
    except _broken() as error:
        # an error with a number comes from the file system, except EINVAL: the archive names a negative position
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        raise PullError(
            f"cannot be read: {type(error).__name__}: {error}",
            where=str(archive),
            hint="the file is damaged; delete it and pull again",
        ) from error
    for member in members:
        if member not in unpacked:
            _refuse(archive, member, "is not in the archive")


def _unpack(archive: Path, members: Mapping[str, str], folder: Path, limits: Limits) -> set[str]:
    """Write the members and return the names of those that the archive has."""
    unpacked: set[str] = set()
    left = limits.total
    with _opened(archive, limits) as entries:
        for count, entry in enumerate(entries, start=1):
            if count > limits.members:
                _refuse(archive, entry.name, f"is member {count} of the archive; at most {limits.members} are allowed")
            if entry.name not in members:
                continue
            if entry.name in unpacked:
                _refuse(archive, entry.name, "is in the archive twice")
            if entry.refusal:
                _refuse(archive, entry.name, entry.refusal)
            unpacked.add(entry.name)
            left -= _copy(archive, entry, folder / members[entry.name], min(left, limits.member))
    return unpacked


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
        stream = self.opened.extractfile(self.info)
        if stream is None:  # cannot happen: only regular files get here
            raise ValueError(self.info.name)
        return stream


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
            # tarfile calls only read, seek and tell
            tarfile.open(fileobj=_Bounded(stream, limits), mode="r:") as tarred,  # type: ignore[call-overload]
        ):
            yield _tar_entries(tarred)
    else:
        known = ", ".join((*ZIP, *TAR))
        raise PullError("is not an archive of a known kind", where=str(archive), hint=f"known: {known}")


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in opened.infolist():
        # orig_filename, because zipfile truncates filename at a zero byte
        yield _Entry(info.orig_filename, info.file_size, _zip_refusal(info), _ZipSource(opened, info))


def _zip_refusal(info: zipfile.ZipInfo) -> str:
    import zipfile

    encrypted = 1
    mode = info.external_attr >> 16
    if info.filename.endswith("/") or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "is not a regular file"
    if info.flag_bits & encrypted:
        return "is encrypted"
    # zipfile unpacks the other methods without a bound on memory
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return f"uses compression method {info.compress_type}; only stored and deflated are allowed"
    return ""


def _tar_entries(opened: tarfile.TarFile) -> Iterator[_Entry]:
    for info in opened:
        refusal = "" if info.isreg() and not info.issparse() else "is not a regular file"
        yield _Entry(info.name.removeprefix("./"), info.size, refusal, _TarSource(opened, info))


class _Bounded:
    """A stream that refuses reads that go too far or are too large.

    A tar header states the length of the names after it, and tarfile reads them whole.
    """

    def __init__(self, stream: _Seekable, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits

    def read(self, size: int = -1) -> bytes:
        most = max(self._limits.header, CHUNK)
        if not 0 <= size <= most:
            raise ValueError(f"a header requests {size} bytes; at most {most} are allowed")
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        # twice the total, because skipped members, headers and padding count here as well
        if position > 2 * self._limits.total:
            raise ValueError(f"unpacks to more than {2 * self._limits.total} bytes")


def _copy(archive: Path, entry: _Entry, target: Path, limit: int) -> int:
    """Write one member to a new file, counting the bytes actually unpacked; return their number."""
    if not 0 <= entry.size <= limit:
        _refuse(archive, entry.name, f"unpacks to {entry.size} bytes; at most {limit} are allowed")
    done = 0
    with entry.source.open() as source, _created(archive, entry.name, target) as sink:
        while chunk := source.read(CHUNK):
            done += len(chunk)
            if done > entry.size:
                _refuse(archive, entry.name, f"holds more than the {entry.size} bytes that it declares")
            sink.write(chunk)
    if done < entry.size:
        _refuse(archive, entry.name, f"ends after {done} of {entry.size} bytes")
    return done


def _created(archive: Path, member: str, target: Path) -> IO[bytes]:
    """Create and open a new file; a link in its place is not followed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o644), "wb")
    except (FileExistsError, NotADirectoryError):
        _refuse(archive, member, f"would overwrite {target}")


def _check_path(archive: Path, member: str, path: str) -> None:
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or any(part in {"", ".", ".."} for part in parts):
        _refuse(archive, member, f"has a path that is not plain and relative: {path!r}")
    if max(len(part.encode()) for part in parts) > NAME_BYTES:
        _refuse(archive, member, f"has a path with a component of more than {NAME_BYTES} bytes")


def _refuse(archive: Path, member: str, why: str) -> NoReturn:
    raise PullError(f"member {member!r} {why}", where=str(archive))


def _broken() -> tuple[type[Exception], ...]:
    """Return the exceptions that the standard library raises for malformed archives."""
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
