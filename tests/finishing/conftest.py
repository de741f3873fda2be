"""What the tests of an approval's files share."""

import pytest


@pytest.fixture
def one_small_print(small_files: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the usual prints the smallest, and one small screen."""
    from orders.finishing import pieces, prints  # models, which need Django set up

    monkeypatch.setattr(prints, "USUAL", (prints.replace(prints.USUAL[5], is_wanted=True),))
    monkeypatch.setattr(pieces, "SCREENS", {"screen-wide": ((320, 180), "가로 화면")})
