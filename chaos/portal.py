"""python -m chaos.portal: manage.py on a disk that can be full: while $CHAOS_DISK_FULL exists, no file of the storage
can be opened for writing."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

FULL = "CHAOS_DISK_FULL"


def fill_on_demand(storage: Path, sign: Path) -> None:
    """From now on, in this process and those that it forks."""
    inside = f"{storage}{os.sep}"

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(args[0], str) or not args[0].startswith(inside):
            return
        if args[2] & (os.O_WRONLY | os.O_RDWR) and sign.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), args[0])

    sys.addaudithook(refuse)


if __name__ == "__main__":
    from manage import main

    fill_on_demand(Path(os.environ["STORAGE_ROOT"]), Path(os.environ[FULL]))
    main()
