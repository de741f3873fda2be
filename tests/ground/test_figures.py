"""The table of `make smoke`."""

from portal.demo import figures


def test_columns_stand_under_each_other_in_korean_too() -> None:
    rows = [
        {"product": "portrait", "name": "고 김철수 님.png", "gpu": 2.5, "byte_count": 1234567, "sha256": "0" * 64},
        {"product": "video", "name": "short.mp4", "gpu": 10.25, "byte_count": 9, "sha256": "f" * 64},
    ]
    assert figures.table(rows).splitlines() == [
        "product   name                gpu  byte count  sha256",
        "portrait  고 김철수 님.png   2.50   1,234,567  000000000000",
        "video     short.mp4         10.25           9  ffffffffffff",
    ]
