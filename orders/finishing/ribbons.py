"""The black ribbon: two bands across the upper corners. Contested, so it is there only where somebody asked for it."""

from PIL import Image, ImageDraw

BAND = 0.055  # width of a band as a share of the picture's width
REACH = 0.30  # how far along the upper edge it begins
COLOUR = (16, 16, 18)
OVERSAMPLED = 3  # so that slanted edges are smooth


def draw(picture: Image.Image) -> None:
    """Lay the ribbon over an RGB picture."""
    side = round(picture.width * (REACH + BAND))
    mask = Image.new("L", (side * OVERSAMPLED, side * OVERSAMPLED))
    near, far = picture.width * REACH * OVERSAMPLED, side * OVERSAMPLED
    ImageDraw.Draw(mask).polygon([(near, 0), (far, 0), (0, far), (0, near)], fill=255)
    left = mask.resize((side, side), Image.Resampling.BOX)
    picture.paste(COLOUR, (0, 0), left)
    picture.paste(COLOUR, (picture.width - side, 0), left.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
