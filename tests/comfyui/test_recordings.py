"""The client against every recorded conversation with a real ComfyUI, 0.2.4 and 0.3.64."""

import pytest
import requests

from tests.comfyui import replay
from tests.comfyui.conversation import Conversation
from tests.comfyui.replay import Replay


@pytest.mark.parametrize("name", replay.names())
def test_it_understands_the_conversation(name: str) -> None:
    with Replay(replay.load(name)) as server, requests.Session() as session:
        session.trust_env = False
        with Conversation(server, session) as conversation:
            conversation.play_all()
