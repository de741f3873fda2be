"""Static files under names that carry their hash, the imports between script modules included."""

from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        # The htmx that django-htmx carries is not the one in use (static/vendor is), and types in its scripts'
        # comments read as imports of files that are not there. Not left out by an AppConfig of ours: live servers
        # of tests look for "django.contrib.staticfiles" by that name.
        used = {name: where for name, where in paths.items() if not name.startswith("django_htmx/")}
        yield from super().post_process(used, dry_run, **options)
