"""One ComfyUI's API and nothing else: it knows no host, no tunnel, no job.

Written for 0.2.4, works with newer versions. Nothing is repeated: a caller who got Unreachable looks up what happened.
"""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3

from gpujobs.comfyui.answers import (
    Accepted,
    OutputFile,
    Queue,
    Record,
    StoredFile,
    parse_accepted,
    parse_histories,
    parse_queue,
    parse_refusal,
    parse_stored,
)
from gpujobs.comfyui.errors import BadAnswer, FileGone, Refused, Unreachable
from gpujobs.comfyui.follower import Follower, Socket
from gpujobs.comfyui.uploads import Content, FileForm

CHUNK: Final = 256 * 1024
# /object_info of a server with many custom nodes has a few MB; a history with pictures inside its prompts, tens.
LARGEST_ANSWER: Final = 128 * 1024 * 1024


@dataclass(frozen=True)
class Timeouts:
    """Seconds without a byte. A server that loads a model answers nobody for a while: these are generous."""

    connect: float = 15
    answer: float = 60
    file: float = 120


class Download:
    """The bytes of one file as they come: an iterator. `size` is how many are to come, None where not said."""

    def __init__(self, response: requests.Response, skip: int) -> None:
        length = response.headers.get("Content-Length", "")
        self.size = max(0, int(length) - skip) if length.isdigit() else None
        self.content_type = response.headers.get("Content-Type", "")
        self._chunks = response.raw.stream(CHUNK, decode_content=False)
        self._skip = skip

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while True:
            try:
                chunk: bytes = next(self._chunks)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise Unreachable(f"a download broke off: {error}", maybe_received=True) from error
            skipped, self._skip = self._skip, max(0, self._skip - len(chunk))
            if chunk := chunk[skipped:]:
                return chunk


class ComfyUI:
    """A ComfyUI at `base_url`, reached through `session`. Threads may share it.

    `open_socket` opens the stream under a websocket; None: a plain TCP connection to base_url.
    """

    def __init__(
        self,
        base_url: str,
        session: requests.Session,
        open_socket: Callable[[], Socket] | None = None,
        *,
        timeout: Timeouts = Timeouts(),
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._open_socket = open_socket or self._connect
        self._timeout = timeout

    def upload(self, name: str, data: Content | bytes, *, subfolder: str = "", overwrite: bool = False) -> StoredFile:
        """Put a file into the input folder. The server renames it where another file has that name: use the answer.

        ValueError for a name with a path in it, which the server crashes on.
        """
        if not name or "/" in name or "\\" in name or "\0" in name:
            raise ValueError("a file name on the host is one plain word")
        fields = {"type": "input", "subfolder": subfolder} | ({"overwrite": "true"} if overwrite else {})
        form = FileForm(name, data, fields)
        headers = {"Content-Type": form.content_type}
        response = self._send("POST", "/upload/image", data=form, headers=headers, read=self._timeout.file)
        return parse_stored(self._json(response, "an upload"))

    def prompt(self, graph: dict[str, Any], *, client_id: str | None, extra_data: dict[str, Any]) -> Accepted:
        """Queue a graph in API form. `extra_data` comes back in the queue and the history.

        Raises PromptRefused. Accepted with `node_errors`: part of the graph will not run.
        """
        body: dict[str, Any] = {"prompt": graph, "extra_data": extra_data}
        if client_id is not None:
            body["client_id"] = client_id
        response = self._send("POST", "/prompt", json=body)
        text = self._body(response)
        if response.status_code != requests.codes.ok:
            raise parse_refusal(response.status_code, _json_or_none(text), text.decode(errors="replace"))
        return parse_accepted(_json_or_none(text))

    def queue(self) -> Queue:
        return parse_queue(self._get("/queue"))

    def history(self, prompt_id: str) -> Record | None:
        """None for unknown, waiting and running prompts alike: the queue tells them apart."""
        return parse_histories(self._get(f"/history/{quote(prompt_id, safe='')}")).get(prompt_id)

    def histories(self, max_items: int | None = None) -> dict[str, Record]:
        """The latest `max_items` prompts that are over, by id, oldest first; None: all that the server remembers."""
        return parse_histories(self._get("/history" if max_items is None else f"/history?max_items={max_items:d}"))

    @contextmanager
    def view(self, file: OutputFile | StoredFile, *, first_byte: int = 0) -> Iterator[Download]:
        """The content of a file, from `first_byte` on, never whole in memory. Raises FileGone, Unreachable."""
        name = file.filename if isinstance(file, OutputFile) else file.name
        query = urlencode({"filename": name, "subfolder": file.subfolder, "type": file.type})
        # Compressed, the bytes could be neither counted nor resumed.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={first_byte}-"} if first_byte else {})
        with self._send("GET", f"/view?{query}", headers=headers, read=self._timeout.file) as response:
            if response.status_code == requests.codes.not_found:
                raise FileGone(f"{file.type}/{file.subfolder}/{name} is not there")
            if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
                raise self._refusal(response, "/view")
            whole = response.status_code == requests.codes.ok
            yield Download(response, skip=first_byte if whole else 0)

    def interrupt(self, prompt_id: str | None = None) -> None:
        """Stop what runs, between its nodes or steps. Newer versions spare it where it is not `prompt_id`; 0.2.4 does
        not look at the id and stops whatever runs."""
        self._post("/interrupt", {"prompt_id": prompt_id} if prompt_id else {})

    def delete_pending(self, prompt_ids: Iterable[str]) -> None:
        """Take prompts out of the queue. What runs already, runs on; unknown ids are passed over in silence."""
        self._post("/queue", {"delete": list(prompt_ids)})

    def delete_history(self, prompt_ids: Iterable[str]) -> None:
        """Forget prompts that are over, their graphs included; their files stay."""
        self._post("/history", {"delete": list(prompt_ids)})

    def object_info(self, class_name: str | None = None) -> dict[str, Any]:
        """What the server's node classes take and give, by class; of one class, {} where it is unknown."""
        path = "/object_info" if class_name is None else f"/object_info/{quote(class_name, safe='')}"
        return self._get_mapping(path)

    def system_stats(self) -> dict[str, Any]:
        """The server's version, command line, devices and their free memory in bytes."""
        return self._get_mapping("/system_stats")

    def free(self, *, unload_models: bool = True, free_memory: bool = True) -> None:
        """Ask the server to let go of its models and its cache, once it has nothing to run."""
        self._post("/free", {"unload_models": unload_models, "free_memory": free_memory})

    def follow(self, client_id: str, *, previews: bool = False) -> Follower:
        """The websocket of `client_id`. Open it before the prompt is sent, or its start is missed. Unreachable."""
        url = f"ws{self._base_url.removeprefix('http')}/ws?{urlencode({'clientId': client_id})}"
        try:
            road = self._open_socket()
        except OSError as error:
            raise Unreachable(f"the websocket cannot be opened: {error}", maybe_received=False) from error
        return Follower(url, road, previews=previews, timeout=self._timeout.answer)

    def _connect(self) -> Socket:
        address = urlsplit(self._base_url)
        road = socket.create_connection((address.hostname, address.port or 80), self._timeout.connect)
        road.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return road

    def _send(self, method: str, path: str, *, read: float | None = None, **body: Any) -> requests.Response:
        """One request; the answer's body is still to be read. Raises Unreachable."""
        timeout = (self._timeout.connect, read or self._timeout.answer)
        what = f"{method} {path.partition('?')[0]}"
        try:
            return self._session.request(
                method, self._base_url + path, timeout=timeout, stream=True, allow_redirects=False, **body
            )
        except requests.RequestException as error:
            raise Unreachable(f"{what} failed: {error}", maybe_received=not _never_left(error)) from error

    def _get(self, path: str) -> Any:
        return self._json(self._send("GET", path), path.partition("?")[0])

    def _get_mapping(self, path: str) -> dict[str, Any]:
        answer = self._get(path)
        if not isinstance(answer, dict):
            raise BadAnswer(f"the answer to {path} is no object")
        return answer

    def _post(self, path: str, body: dict[str, Any]) -> None:
        response = self._send("POST", path, json=body)
        if response.status_code != requests.codes.ok:
            raise self._refusal(response, path)
        self._body(response)

    def _json(self, response: requests.Response, what: str) -> Any:
        if response.status_code != requests.codes.ok:
            raise self._refusal(response, what)
        answer = _json_or_none(self._body(response))
        if answer is None:
            raise BadAnswer(f"{what} answered something else than JSON")
        return answer

    def _refusal(self, response: requests.Response, what: str) -> Refused:
        return Refused(what, response.status_code, self._body(response).decode(errors="replace"))

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        with response:
            try:
                for chunk in response.iter_content(CHUNK):
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise BadAnswer("an answer is too long to be one")
            except requests.RequestException as error:
                raise Unreachable(f"an answer broke off: {error}", maybe_received=True) from error
        return bytes(body)


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _never_left(error: requests.RequestException) -> bool:
    """Whether the request surely did not arrive: no connection was made for it."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
