"""Archives that packages come in: what is in them is written under names of ours, and nowhere else."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, ClassVar

from tests.attack.kinds import Kind

from lpbench.testing import mutations
from lpbench.util.archives import Limits, extract

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

MEMBERS = {"package/a.bin": "a.bin", "package/sub/b.txt": "sub/b.txt"}
NAMES = (
    "package/a.bin",
    "./package/a.bin",
    "../../a.bin",
    "/etc/escape",
    "package/../package/a.bin",
    "package/sub",
    "x" * 300,
)
BOMB = 8 << 20
LIMITS = Limits(members=1000, member=1 << 20, total=2 << 20, header=1 << 16)
DATE = (2020, 1, 1, 0, 0, 0)
TYPES = (
    tarfile.REGTYPE,
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.DIRTYPE,
    tarfile.GNUTYPE_SPARSE,
)


class Archives(Kind):
    """Zip, tar and tar.gz with members that escape, link, expand or lie; then damaged bytes."""

    name: ClassVar[str] = "archives"

    def write(self, random: Random, folder: Path) -> None:
        """Write an archive."""
        ending = random.choice((".zip", ".whl", ".tar", ".tar.gz", ".tgz"))
        content = _zip(random) if ending in {".zip", ".whl"} else _tar(random, packed=ending != ".tar")
        if random.random() < 0.7:
            content = mutations.mutated(content, random)
        (folder / f"package{ending}").write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Unpack it."""
        (archive,) = folder.iterdir()
        target = folder / "target"
        (target / "sub").mkdir(parents=True)
        (target / "sub").rmdir()
        extract(archive, MEMBERS, target, limits=LIMITS)
        found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
        assert found <= set(MEMBERS.values()), f"unpacked {found}"
        assert sum(path.lstat().st_size for path in target.rglob("*") if not path.is_dir()) <= LIMITS.total
        assert not [path for path in target.rglob("*") if path.is_symlink()], "unpacked a link"
        return ()


def _zip(random: Random) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name in _names(random):
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = random.choice(
                (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
            )
            info.external_attr = random.choice((0o644, 0o644, 0o120777, 0o010644, 0o040755)) << 16
            opened.writestr(info, _content(random))
    return stream.getvalue()


def _tar(random: Random, *, packed: bool) -> bytes:
    import gzip

    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=random.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    ) as opened:
        for name in _names(random):
            if len(name) > tarfile.LENGTH_NAME and opened.format == tarfile.USTAR_FORMAT:
                continue
            info, content = tarfile.TarInfo(name), _content(random)
            info.type = random.choice(TYPES)
            info.linkname = random.choice(("", "/etc/passwd", "../../x", "package/a.bin")) if not info.isreg() else ""
            info.size = len(content) if info.isreg() else 0
            opened.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return gzip.compress(stream.getvalue(), 1, mtime=0) if packed else stream.getvalue()


def _names(random: Random) -> list[str]:
    more = random.sample(NAMES, random.randrange(3))
    names = [*MEMBERS, *more] if random.random() < 0.8 else [*MEMBERS, *MEMBERS]
    random.shuffle(names)
    return names


def _content(random: Random) -> bytes:
    return b"\0" * BOMB if random.random() < 0.03 else random.randbytes(random.choice((0, 1, 100, 600)))


KINDS = (Archives,)
