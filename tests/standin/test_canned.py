"""A stand-in that draws nothing, for measuring whoever drives it."""

from pathlib import Path

from tests.standin.conftest import Start
from tests.standin.making import png, sampled
from tests.standin.talking import Comfy


def test_a_canned_result_is_given_by_every_output_and_the_steps_are_still_told(start: Start, tmp_path: Path) -> None:
    result = tmp_path / "result.png"
    result.write_bytes(png((1, 2, 3), (32, 32)))
    with Comfy(start(canned_result=result).instances[0].port) as comfy:
        socket = comfy.socket("me")
        record = comfy.run(sampled(steps=4), client_id="me")
        told = [message for message in socket.until("execution_success") if message["type"] == "progress"]
        socket.close()
        (listed,) = next(iter(record["outputs"].values()))["images"]
        answer = comfy.ask("GET", "/view", params=listed)
    assert [each["data"]["value"] for each in told] == [1, 2, 3, 4]
    assert answer.content == result.read_bytes()


def test_the_control_counts_what_an_instance_was_asked(start: Start) -> None:
    with Comfy(start().instances[0].port) as comfy:
        comfy.get("/queue")
        comfy.get("/queue")
        comfy.get("/history/none")
        assert comfy.get("/standin/requests") == {"GET /queue": 2, "GET /history": 1}
