"""No token of a link gets into a log: not by Django, not by gunicorn, not in a traceback."""

import logging
import socket
import subprocess
import sys
from contextlib import closing
from io import StringIO
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.test import Client

from portal.masking import MaskingFormatter, masked

TOKEN = "Zl-yMZv9_squii3j8j8Tbd2RsoOG"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"/g/{TOKEN}", "/g/…"),
        (f"/g/{TOKEN}/all.zip", "/g/…/all.zip"),
        (f"GET https://x.example/g/{TOKEN}?language=en HTTP/1.1", "GET https://x.example/g/…?language=en HTTP/1.1"),
        (f"/f/{TOKEN}/photos/", "/f/…/photos/"),
        (f"Not Found: /join/{TOKEN}", "Not Found: /join/…"),
        (f"/accounts/password/reset/key/1a-{TOKEN}/", "/accounts/password/reset/key/…/"),
        ("/orders/5/links/", "/orders/5/links/"),
    ],
)
def test_what_opens_a_door_is_masked_and_nothing_else(said, kept):
    assert masked(said) == kept


def console_of(name):
    """The handler that settings give a logger, writing here."""
    assert settings.LOGGING["handlers"]["console"]["formatter"] == "line"
    assert settings.LOGGING["formatters"]["line"]["()"] == "portal.masking.MaskingFormatter"
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(MaskingFormatter("{levelname} {name} {message}", style="{"))
    logging.getLogger(name).addHandler(handler)
    return handler


@pytest.mark.parametrize("path", [f"/g/{TOKEN}", f"/g/{TOKEN}/all.zip", f"/join/{TOKEN}/"])
def test_the_warning_about_a_missing_page_is_masked(db, path):
    handler = console_of("django.request")
    try:
        assert Client().get(path).status_code == 404
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    written = handler.stream.getvalue()
    assert "Not Found" in written
    assert TOKEN not in written


def test_a_traceback_is_masked():
    handler = console_of("tests.masking")
    try:
        raise ValueError(f"cannot open /g/{TOKEN}/")
    except ValueError:
        logging.getLogger("tests.masking").exception("failed at %s", f"/g/{TOKEN}")
    logging.getLogger("tests.masking").removeHandler(handler)
    assert "ValueError: cannot open /g/…/" in handler.stream.getvalue()
    assert TOKEN not in handler.stream.getvalue()


def answering(environ, start_response):
    """Stands for the portal: misses every page, and says so as Django does."""
    logging.getLogger("django.request").warning("Not Found: %s", environ["PATH_INFO"])
    if environ["PATH_INFO"].endswith("/fails"):
        raise ValueError(environ["PATH_INFO"])
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


def test_gunicorn_as_it_is_started_writes_no_token(tmp_path):
    written = tmp_path / "log"
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, written.open("w") as log:
        here = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serve = [sys.executable, "-m", "gunicorn", "-c", "python:portal.gunicorn", "--no-control-socket"]
        serve += ["--bind", f"fd://{listener.fileno()}", f"{__name__}:answering"]
        server = subprocess.Popen(serve, pass_fds=[listener.fileno()], stdout=log, stderr=log)
        try:
            for path in (f"/g/{TOKEN}", f"/g/{TOKEN}/all.zip?language=xx", f"/join/{TOKEN}/", f"/g/{TOKEN}/fails"):
                with pytest.raises(HTTPError):
                    urlopen(here + path, timeout=60)
        finally:
            server.terminate()
            server.wait(30)
    told = written.read_text()
    assert "gunicorn.access GET /g/… 404 " in told
    assert "gunicorn.access GET /g/…/all.zip 404 " in told
    assert "django.request Not Found: /join/…/" in told
    assert "ValueError: /g/…/fails" in told
    assert TOKEN not in told
