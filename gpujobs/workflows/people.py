"""How a person is described to a model: the words behind the choices portraits, scenes and videos share."""

from collections.abc import Mapping
from typing import Any

from gpujobs.workflows.parameters import Choice

PERSON = Choice(name="person", options=("person", "woman", "man"), default="person")
AGE = Choice(name="age", options=("young", "middle_aged", "elderly"), default="elderly")
GLASSES = Choice(name="glasses", options=("as_photo", "keep", "off"), default="as_photo")

AGE_WORDS = {"young": "young", "middle_aged": "middle-aged", "elderly": "elderly"}
GLASSES_WORDS = {"as_photo": "", "keep": "wearing eyeglasses", "off": ""}
GLASSES_AGAINST = {"as_photo": "", "keep": "sunglasses", "off": "eyeglasses, sunglasses"}


def described(params: Mapping[str, Any]) -> str:
    """For instance "an elderly Korean woman"."""
    words = f"{AGE_WORDS[params['age']]} Korean {params['person']}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def joined(*pieces: str) -> str:
    """Prompt pieces as one prompt; the empty ones fall away."""
    return ", ".join(piece for piece in pieces if piece)
