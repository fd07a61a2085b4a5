"""Files that appear whole or not at all."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from judgekit._json import dumps


def write_atomic(path: str | Path, chunks: Iterable[str]) -> None:
    """Write text to a neighbour of `path`, sync it, and rename it into place; a link stays a link.

    Raises
    ------
    OSError
        If it cannot be written; what stood at `path` is untouched.
    """
    path = Path(os.path.realpath(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | Path, value: object) -> None:
    """Write one JSON document, indented, atomically."""
    write_atomic(path, [dumps(value, indent=1), "\n"])
