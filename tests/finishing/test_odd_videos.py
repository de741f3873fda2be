"""Videos as no workflow of ours makes them: each becomes a right file, or is refused in words."""

import io
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from orders import stills
from orders.finishing import clips, marks, video
from orders.finishing.clips import Clip, Unplayable
from tests.finishing import people

FRAMES = {"video-wide": ((320, 180), "가로"), "video-tall": ((180, 320), "세로")}
# Left half red, right half blue, upper edge white.
RED, BLUE, WHITE = (200, 40, 40), (40, 40, 200), (240, 240, 240)
# 16.16 fixed point, of a film that is held upright when it is turned by a quarter to the right.
QUARTER_RIGHT = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
UPRIGHT = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)


@pytest.fixture(autouse=True)
def _small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "FRAMES", FRAMES)


def flag(size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (size[0] // 2, 0, *size))
    picture.paste(WHITE, (0, 0, size[0], size[1] // 4))
    return picture


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Clip]:
    def write(
        pictures: Sequence[Image.Image],
        *,
        rate: int = 8,
        pixels: str = "yuv420p",
        times: Sequence[int] | None = None,
        sound: bool = False,
        is_loop: bool = False,
    ) -> Clip:
        """``times`` in thousandths of a second."""
        path = tmp_path / "odd.mp4"
        with av.open(str(path), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "10"})
            stream.width, stream.height = pictures[0].size
            stream.pix_fmt = pixels
            stream.codec_context.time_base = Fraction(1, 1000)
            audio = container.add_stream("aac", rate=48000, layout="mono") if sound else None
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                frame.pts, frame.time_base = times[number] if times else number * 1000 // rate, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if audio is not None:
                heard = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
                heard.sample_rate, heard.pts = 48000, 0
                container.mux(audio.encode(heard))
                container.mux(audio.encode())
        return Clip(product_key="living_video", path=path, is_loop=is_loop)

    return write


def finished(clip: Clip) -> list[list[Image.Image]]:
    """The frames of the wide and of the tall file, read back; `of_video` has checked everything else of them."""
    made = list(video.of_video(clip.opened()))
    assert [piece.variant for piece in made] == ["video-wide", "video-tall", "poster"]
    found = []
    for piece in made[:2]:
        with av.open(io.BytesIO(piece.data), "r", format="mp4") as container:
            assert [stream.type for stream in container.streams] == ["video"]
            frames = [frame.to_image() for frame in container.decode(video=0)]
        assert frames[0].size == (piece.width, piece.height)
        assert all(marks.is_seen(frame, marks.VIDEO) for frame in frames)
        found.append(frames)
    return found


def colour(picture: Image.Image, x: float, y: float) -> np.ndarray:
    """The mean of a few pixels at a place given as fractions."""
    at = round(x * picture.width), round(y * picture.height)
    return np.asarray(picture.crop((at[0] - 3, at[1] - 3, at[0] + 3, at[1] + 3)), float).mean((0, 1))


def test_sides_of_an_odd_number_of_pixels(written):
    wide, tall = finished(written([flag((97, 121))] * 3, pixels="yuv444p"))
    for frames in (wide, tall):
        assert np.abs(colour(frames[0], 0.45, 0.6) - RED).max() < 12
        assert np.abs(colour(frames[0], 0.56, 0.6) - BLUE).max() < 12


def test_colours_stay_what_they_were(written):
    wide, _ = finished(written([flag((160, 90))] * 3))
    for x, y, wanted in ((0.25, 0.6, RED), (0.75, 0.6, BLUE), (0.5, 0.1, WHITE)):
        assert np.abs(colour(wide[0], x, y) - wanted).max() < 8


def test_one_whose_rate_varies_takes_as_long_as_it_did(written):
    greys = [Image.new("RGB", (96, 96), (40 + 20 * number,) * 3) for number in range(8)]
    # The fifth frame stays for a second and a half.
    clip = written(greys, times=[0, 100, 200, 300, 400, 1900, 2000, 2100], is_loop=True)
    opened = clip.opened()
    assert opened.seconds == pytest.approx(2.2, abs=0.2)
    wide, _ = finished(clip)
    middle = colour(wide[len(wide) // 2], 0.5, 0.5)
    assert np.abs(middle - 120).max() < 6, "the frame that stayed is what is seen in the middle"


def test_sound_is_left_out(written):
    finished(written([flag((96, 96))] * 4, sound=True))


def test_a_film_that_is_turned_is_shown_upright(written):
    clip = written([flag((160, 90)).rotate(90, expand=True)] * 3)
    data = clip.path.read_bytes()
    assert data.count(UPRIGHT) >= 1
    at = data.index(UPRIGHT, data.index(b"tkhd"))
    clip.path.write_bytes(data[:at] + QUARTER_RIGHT + data[at + len(UPRIGHT) :])
    wide, _ = finished(clip)
    assert np.abs(colour(wide[0], 0.5, 0.1) - WHITE).max() < 12
    assert np.abs(colour(wide[0], 0.25, 0.6) - RED).max() < 12
    still = Image.open(io.BytesIO(stills.still_of(clip.path, "video").data))
    assert still.size == (160, 90)
    assert np.abs(colour(still.convert("RGB"), 0.25, 0.6) - RED).max() < 15


def test_one_long_enough_already_does_not_run_backwards(written):
    opened = written([flag((64, 64))] * 70).opened()
    assert opened.order == list(range(70))
    assert opened.remarks == []


@pytest.mark.parametrize(("rate", "shown"), [(1, 5), (120, 60)])
def test_rates_that_no_screen_shows_become_ones_that_do(written, rate: int, shown: int):
    opened = written([flag((64, 64))] * 24, rate=rate, is_loop=True).opened()
    assert opened.rate == shown
    assert opened.seconds == pytest.approx(24 / rate, rel=0.3)


def test_a_pause_of_hours_is_refused_in_words(written):
    with pytest.raises(Unplayable, match="seconds"):
        written([flag((64, 64))] * 3, times=[0, 100, 9_000_000]).opened()


def test_one_that_breaks_off_is_refused_in_words(written):
    clip = written([people.drawn(3, (320, 400)).picture.rotate(number) for number in range(30)])
    data = clip.path.read_bytes()
    start = data.index(b"mdat") + 300
    clip.path.write_bytes(data[:start] + b"\xff" * 20_000 + data[start + 20_000 :])
    with pytest.raises(Unplayable, match=r"\w"):
        finished(clip)


def test_a_large_one_is_held_no_larger_than_it_is_shown(written, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clips, "HELD_SIDE", 64)
    sizes = {planes[0].shape for planes in written([flag((160, 90))] * 3).opened().frames()}
    assert sizes == {(36, 64)}
