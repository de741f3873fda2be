"""What is due to be erased by each home's periods: shown with --dry-run, else begun as the hourly sweep would."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from orders import retention, retention_clock


class Command(BaseCommand):
    help = "erase what is due by the homes' periods; --dry-run only says what that is"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="remove nothing, list what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            begun = retention.sweep()
            self.stdout.write(f"{begun['erased']} orders, and photos and candidates of {begun['sources']}.")
            return
        whole, sources = retention_clock.due(), retention_clock.sources_due()
        for clock in whole:
            self._line(clock, "all", clock.due_at)
        for clock in sources:
            self._line(clock, "photos", clock.sources_due_at)
        for clock in retention_clock.held():
            self._line(clock, "held", clock.due_at)
        self.stdout.write(f"{len(whole) + len(sources)} would go; nothing was removed.")

    def _line(self, clock: retention_clock.Clock, what: str, due_at: datetime | None) -> None:
        day = f"{timezone.localtime(due_at):%Y-%m-%d}" if due_at else "-"
        self.stdout.write(f"{clock.order.code}  {what:<6}  {day}  {clock.order.home}")
