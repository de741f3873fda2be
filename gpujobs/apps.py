from django.apps import AppConfig


class GpujobsConfig(AppConfig):
    name = "gpujobs"
