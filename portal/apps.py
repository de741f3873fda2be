from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    # Of two in one module Django takes neither unless told.
    default = True

    def ready(self) -> None:
        # Registers the system checks, and who listens to Django and allauth.
        from portal import checks, second_factor, sessions  # noqa: F401
