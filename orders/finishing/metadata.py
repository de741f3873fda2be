"""What a machine reads of a file: the IPTC digital source type in XMP, and the colour space.

The words are IPTC's (https://cv.iptc.org/newscodes/digitalsourcetype/): a portrait is a composite, since it is made
from a photo of the person; scenes and videos are made by a trained model altogether.
"""

import re
import struct
from functools import cache
from uuid import UUID

from PIL import ImageCms

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPE = {
    "portrait": f"{SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia",
    "life_scene": f"{SOURCE_TYPES}trainedAlgorithmicMedia",
    "living_video": f"{SOURCE_TYPES}trainedAlgorithmicMedia",
}
# XMP's box in ISO base media files (XMP Specification Part 3, 1.2.8).
XMP_BOX = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<xmp:CreatorTool>ConnectDream</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_FOUND = re.compile(rb"DigitalSourceType[^<>]*>\s*(http://cv\.iptc\.org/newscodes/digitalsourcetype/\w+)\s*<")


def xmp(product_key: str) -> bytes:
    return _PACKET.format(source_type=SOURCE_TYPE[product_key]).encode()


def source_type_in(data: bytes) -> str:
    """The digital source type a file's XMP names, or nothing."""
    found = _FOUND.search(data)
    return found[1].decode() if found else ""


@cache
def srgb() -> bytes:
    """An sRGB profile, to be written into every picture."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def xmp_box(packet: bytes) -> bytes:
    """The packet as a box to put at the end of an MP4, where it moves nothing that the index points at."""
    return struct.pack(">I4s", 8 + len(XMP_BOX) + len(packet), b"uuid") + XMP_BOX + packet
