"""Compiled translations, made where they are needed and not committed."""

import os
from pathlib import Path

import polib
from django.conf import settings


def compile_messages() -> list[Path]:
    """Compile each catalogue whose compiled form is missing or older; returns those that were."""
    compiled = []
    for directory in map(Path, settings.LOCALE_PATHS):
        for source in sorted(directory.glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            # Renamed into place: several processes may start at once, and half a file reads as none.
            unfinished = target.with_suffix(f".{os.getpid()}.unfinished")
            polib.pofile(str(source)).save_as_mofile(str(unfinished))
            unfinished.replace(target)
            compiled.append(source)
    return compiled
