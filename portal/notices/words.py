"""What a notice says: `templates/notices/<kind>.<way>.txt`, with a first line that is an e-mail's title."""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation


@dataclass(frozen=True)
class Words:
    title: str
    text: str


def written(kind: str, way: str, language: str, context: dict[str, object]) -> str:
    """The notice in that language. Raises TemplateDoesNotExist for a kind that is not sent that way."""
    with translation.override(language):
        return render_to_string(f"notices/{kind}.{way}.txt", context).strip()


def read(text: str, way: str) -> Words:
    """What was written, taken apart."""
    if way != "email":
        return Words("", text)
    title, _line, rest = text.partition("\n")
    return Words(" ".join(title.split()), rest.strip())
