from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401  registers the system checks


class StaticFiles(StaticFilesConfig):
    # Its htmx is not ours (static/vendor is), and types in its scripts' comments read as imports of missing files.
    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx"]
