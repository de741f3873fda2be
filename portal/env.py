"""Strict reading of settings from the environment.

Every value may instead come from a file: with ``SECRET_KEY_FILE=/run/secrets/key`` set, the file's text
(without its last line break) is the value. A value that cannot be read as what it should be stops the
program with a sentence, never with a guess.
"""

import math
import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str | None = None) -> str:
    """The variable's text; without a default it must be there."""
    file = os.environ.get(f"{name}_FILE")
    if file and name in os.environ:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one.")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={file} cannot be read: {error.strerror}.") from error
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set.")
    return value


def flag(name: str, default: bool) -> bool:
    value = text(name, str(default)).strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no.")


def whole(name: str, default: int, *, least: int = 0) -> int:
    value = text(name, str(default)).strip()
    if not re.fullmatch("-?[0-9]+", value) or int(value) < least:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number of at least {least}.")
    return int(value)


def decimal(name: str, default: float, *, least: float = 0.0) -> float:
    value = text(name, str(default)).strip()
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (math.isfinite(number) and number >= least):
        raise ImproperlyConfigured(f"{name}={value!r} is not a number of at least {least}.")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list; empty parts fall away."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """A comma-separated list of addresses and networks, e.g. ``203.0.113.7,2001:db8::/48``."""
    try:
        return [ip_network(word) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def one_of(name: str, options: tuple[str, ...]) -> str:
    """One of these words; the first unless said otherwise."""
    value = text(name, options[0]).strip().lower()
    if value not in options:
        raise ImproperlyConfigured(f"{name}={value!r} is none of {', '.join(options)}.")
    return value


def group(prefix: str) -> dict[str, str]:
    """Every variable whose name begins so, by the rest of its name in capitals; files count as their variables do."""
    names = {name.removesuffix("_FILE") for name in os.environ}
    return {name.removeprefix(prefix): text(name) for name in sorted(names) if name.startswith(prefix)}


def database(name: str) -> dict[str, Any]:
    """``postgresql://user:password@host:port/name?option=value`` as Django's dictionary.

    A socket directory is given as ``?host=/path``, as libpq does.
    """
    url = urlsplit(text(name))
    if url.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"{name} must begin with postgresql://.")
    database_name = unquote(url.path.lstrip("/"))
    if not database_name:
        raise ImproperlyConfigured(f"{name} names no database.")
    try:
        options = dict(parse_qsl(url.query, strict_parsing=bool(url.query)))
        port = options.pop("port", str(url.port or ""))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}.") from error
    host = options.pop("host", unquote(url.hostname or ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": options,
    }


def redis_url(name: str) -> str:
    value = text(name)
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(f"{name} must begin with redis://, rediss:// or unix://.")
    return value
