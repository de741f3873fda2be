from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    # Of two in one module Django takes neither unless told.
    default = True

    def ready(self) -> None:
        from portal import checks  # noqa: F401  registers the system checks
