"""The portal with everything it needs, on one machine and by one command: `python -m portal.demo`."""
