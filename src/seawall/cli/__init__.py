"""The ``seawall`` command."""

from seawall.cli.main import main

__all__ = ["main"]
