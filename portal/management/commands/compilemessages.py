"""Django's command of this name needs GNU gettext; this one needs nothing but Python."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.messages import compile_messages


class Command(BaseCommand):
    help = "Compile every locale/*/LC_MESSAGES/*.po that is newer than its .mo."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        for path in compile_messages():
            self.stdout.write(f"compiled {path}")
