"""`manage.py provenance FILE …`: did these files come from this portal, when, as which product, and unchanged?"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders import provenance


class Command(BaseCommand):
    help = "Says of each file whether this portal made it, when and as which product; ends with 1 where one is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        strange = 0
        for path in files:
            try:
                verdict = provenance.read(path.read_bytes())
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from error
            strange += not verdict.is_from_here
            self.stdout.write(f"{path.name}\n" + "".join(f"  {line}\n" for line in _lines(verdict)))
        if strange:
            raise CommandError(f"{strange} of {len(files)} are not from this portal.", returncode=1)


def _lines(verdict: provenance.Verdict) -> list[str]:
    lines = [
        f"made here: {'yes' if verdict.is_from_here else 'no'}",
        f"product: {verdict.product.key if verdict.product else '-'}",
    ]
    if verdict.known:
        lines.append(f"made at: {verdict.known.made_at:%Y-%m-%d %H:%M} UTC, as {verdict.known.variant}")
    signer = f", signed by {verdict.signer}{' (this portal)' if verdict.is_ours else ''}" if verdict.signer else ""
    lines.append(f"C2PA manifest: {verdict.manifest}{signer}")
    lines.append(f"digital source type: {verdict.source_type or '-'}")
    return lines
