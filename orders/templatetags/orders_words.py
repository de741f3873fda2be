"""What pages about orders say that needs more than a template."""

from django import template

from orders import intake
from orders.models import Photo

register = template.Library()


@register.filter
def advice(photo: Photo) -> list[str]:
    """What would make the photo better, one sentence each."""
    return intake.sentences(photo.advice)


@register.filter
def svg_number(number: float) -> str:
    """A number as SVG reads it, whatever the page's language makes of decimals."""
    return f"{number:.1f}"
