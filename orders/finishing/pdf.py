"""A PDF of one page at true size around a finished JPEG, whose bytes go in as they are."""

from decimal import Decimal

from orders.finishing.metadata import srgb

_POINTS = Decimal(72) / Decimal("25.4")


def page(jpeg: bytes, pixels: tuple[int, int], millimetres: tuple[Decimal, Decimal], xmp: bytes) -> bytes:
    """PDF 1.7 (ISO 32000-1); the page is exactly as many millimetres wide and high."""
    width, height = (f"{side * _POINTS:.3f}" for side in millimetres)
    content = f"q {width} 0 0 {height} 0 0 cm /Picture Do Q".encode()
    image = (
        f"/Type /XObject /Subtype /Image /Width {pixels[0]} /Height {pixels[1]} /BitsPerComponent 8 "
        "/ColorSpace [/ICCBased 7 0 R] /Filter /DCTDecode"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Metadata 6 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R "
        "/Resources << /XObject << /Picture 5 0 R >> >> >>".encode(),
        _stream("", content),
        _stream(image, jpeg),
        _stream("/Type /Metadata /Subtype /XML", xmp),
        _stream("/N 3", srgb()),
    ]
    data, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(data)


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"
