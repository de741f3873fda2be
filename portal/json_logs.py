"""Log lines as JSON, one object a line, for whatever gathers them."""

import json
import logging
from datetime import UTC, datetime

from portal.masking import masked

# What a line may say about what it concerns; each is an identifier and names nobody.
FIELDS = ("job", "attempt", "instance", "host")


class JsonFormatter(logging.Formatter):
    """{"at", "level", "logger", "message"}, with the fields that were given as ``extra``, and "traceback"."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, str] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: str(value) for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return masked(json.dumps(said, ensure_ascii=False))
