"""Drawn people for the demo and the tests, so that no photograph of anybody is needed."""
