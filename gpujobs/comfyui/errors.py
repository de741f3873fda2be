"""What one ComfyUI can do to a request."""

from typing import Any, Final

KEPT_OF_BODY: Final = 500


class ComfyError(Exception):
    """Any failure of a ComfyUI's API; the message is a sentence for an operator, without any personal data."""


class Unreachable(ComfyError):
    """No whole answer came: refused, cut off, or not in time.

    `maybe_received` is False only where the request surely did not arrive. Where it is True, whether it took effect
    is to be looked up, not guessed.
    """

    def __init__(self, message: str, *, maybe_received: bool) -> None:
        super().__init__(message)
        self.maybe_received = maybe_received


class Refused(ComfyError):
    """An answer with a status that this request does not expect. `body` is its beginning."""

    def __init__(self, what: str, status: int, body: str) -> None:
        super().__init__(f"{what} answered {status}")
        self.status = status
        self.body = body[:KEPT_OF_BODY]


class PromptRefused(ComfyError):
    """The graph was not queued. `node_errors` maps node ids to their errors as the server words them, often empty."""

    def __init__(self, status: int, message: str, node_errors: dict[str, Any]) -> None:
        super().__init__(f"the prompt was refused with {status}: {message}")
        self.status = status
        self.message = message
        self.node_errors = node_errors


class FileGone(ComfyError):
    """No such file there: never made, deleted, or a temporary one of before a restart."""


class BadAnswer(ComfyError):
    """An answer of the right status that makes no sense."""


class SocketSilent(ComfyError):
    """Nothing came through the websocket for as long as was asked. It may be used on."""


class SocketClosed(ComfyError):
    """The websocket is over. Another may be opened with the same client id."""
