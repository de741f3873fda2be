"""A GPU host to practise on: ComfyUI 0.2.4's behaviour, as recorded, behind a real SSH server. No GPU, no models.

`python -m gpujobs.standin` runs one; StandinHost runs one inside a test. Nothing here imports Django, and nothing in
the portal imports this package except the demo and the tests.
"""

from .host import StandinHost
from .settings import Settings

__all__ = ["Settings", "StandinHost"]
