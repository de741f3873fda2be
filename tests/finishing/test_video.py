"""The family's video: plays on a phone, marked in every frame, checked again; odd ones do not stop it."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import c2pa
import numpy as np
import pytest
from PIL import Image

from orders.finishing import marks, metadata, pieces, signing, video
from orders.finishing.clips import Clip, Unplayable
from tests.finishing import people

SMALL = {"video-wide": ((320, 180), "가로"), "video-tall": ((180, 320), "세로")}


@pytest.fixture(autouse=True)
def _small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thirty-sixth of the pixels: what is tested does not depend on them."""
    monkeypatch.setattr(video, "FRAMES", SMALL)


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Clip]:
    def made(frames: int, rate: int = 8, size: tuple[int, int] = (96, 120), *, is_loop: bool = False) -> Clip:
        path = tmp_path / f"{frames}.mp4"
        still = np.asarray(people.drawn(3, size).picture)
        with av.open(str(path), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for number in range(frames):
                # Each frame a little brighter, so that order shows.
                lifted = np.clip(still.astype(int) + 2 * number - 40, 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(lifted, format="rgb24")))
            container.mux(stream.encode())
        return Clip(product_key="living_video", path=path, face=people.PLAIN_FACE, is_loop=is_loop)

    return made


def frames_of(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_it_is_written_beside_its_source_where_an_erasure_finds_it(clip, tmp_path, monkeypatch):
    """A worker that is killed there cleans up nothing."""
    real, where = video._encode, []

    def seen(opened, paths, beat):
        where.extend(paths.values())
        return real(opened, paths, beat)

    monkeypatch.setattr(video, "_encode", seen)
    assert list(video.of_video(clip(9).opened()))
    assert where
    assert all(path.is_relative_to(tmp_path) for path in where)
    assert [path.name for path in tmp_path.iterdir()] == ["9.mp4"]


def test_a_video_without_a_gpu_runs_there_and_back_at_its_own_rate(clip):
    made = list(video.of_video(clip(21).opened()))
    assert [(piece.variant, piece.width, piece.height) for piece in made] == [
        ("video-wide", 320, 180),
        ("video-tall", 180, 320),
        ("poster", 320, 180),
    ]
    with av.open(io.BytesIO(made[0].data), "r", format="mp4") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == Fraction(8)
        assert not container.streams.audio
    brightness = [frame[60:120, 130:190].mean() for frame in frames_of(made[0].data)]
    assert 8 * 8 <= len(brightness) <= 12 * 8
    assert len(brightness) * 125 == made[0].duration_ms
    assert brightness[20] - brightness[0] > 20
    assert abs(brightness[20 + 15] - brightness[20 - 15]) < 3, "it comes back the way it went"
    assert abs(brightness[40] - brightness[0]) < 3, "and begins again without a jump"


def test_what_a_gpu_lengthened_is_played_as_it_came(clip):
    given = clip(24, rate=24, is_loop=True)
    assert given.opened().remarks == []
    first = next(iter(video.of_video(given.opened())))
    assert len(frames_of(first.data)) == 24
    assert first.duration_ms == 1000


def test_the_mark_is_in_every_frame_and_not_over_the_face(clip):
    made = list(video.of_video(clip(21).opened()))
    for piece in made[:2]:
        frames = frames_of(piece.data)
        assert all(marks.is_seen(Image.fromarray(frame), marks.VIDEO) for frame in frames)
        _, top, _, _ = marks.mark_for(Image.fromarray(frames[0]), marks.VIDEO).box
        assert top >= 0.8 * frames[0].shape[0], "in the bottom margin"


def test_it_is_signed_says_how_it_was_made_and_has_its_index_first(clip):
    for piece in list(video.of_video(clip(9).opened()))[:2]:
        with c2pa.Reader("video/mp4", io.BytesIO(piece.data)) as reader:
            assert reader.get_validation_state() == "Valid"
        assert metadata.source_type_in(piece.data) == metadata.SOURCE_TYPE["living_video"]
        assert 0 < piece.data.find(b"moov") < piece.data.find(b"mdat")


def test_a_video_of_one_frame_stands_still_for_a_while(clip):
    given = clip(1)
    assert given.opened().remarks == ["still"]
    first = next(iter(video.of_video(given.opened())))
    assert first.duration_ms >= 8000
    assert len(frames_of(first.data)) == first.duration_ms * 24 // 1000


@pytest.mark.parametrize("size", [(180, 120), (96, 96), (64, 120)])
def test_any_shape_of_a_video_fills_both_frames(clip, size: tuple[int, int]):
    made = list(video.of_video(clip(3, size=size).opened()))
    for piece in made[:2]:
        frame = frames_of(piece.data)[0]
        assert frame.shape[:2] == (piece.height, piece.width)
        edges = np.concatenate([frame[:, 0], frame[:, -1], frame[0], frame[-1]])
        assert edges.mean() > 25, "no black bars"


def test_what_cannot_be_decoded_is_refused(tmp_path: Path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 500)
    with pytest.raises(Unplayable):
        Clip(product_key="living_video", path=path).opened()


def test_a_video_that_came_out_wrong_is_not_handed_out(clip, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(video, "MOST_BYTES", 2000)
    monkeypatch.setattr(video, "SPARE_BYTES", 0)
    with pytest.raises(Unplayable, match="bytes"):
        list(video.of_video(clip(9).opened()))


def test_the_poster_is_a_marked_picture(clip):
    poster = list(video.of_video(clip(3).opened()))[-1]
    assert (poster.variant, poster.media_type) == ("poster", "image/jpeg")
    assert metadata.source_type_in(poster.data)
    assert signing.NAME == "ConnectDream"
    assert max(pieces.WIDE) == 1920
