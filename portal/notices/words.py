"""What a notice says: `templates/notices/<kind>.<way>.txt`, with a first line that is an e-mail's title."""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation


@dataclass(frozen=True)
class Words:
    title: str
    text: str


def words(kind: str, way: str, language: str, context: dict[str, object]) -> Words:
    """The notice in that language. Raises TemplateDoesNotExist for a kind that is not sent that way."""
    with translation.override(language):
        written = render_to_string(f"notices/{kind}.{way}.txt", context).strip()
    if way != "email":
        return Words("", written)
    title, _line, text = written.partition("\n")
    return Words(" ".join(title.split()), text.strip())
