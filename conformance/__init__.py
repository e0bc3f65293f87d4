"""Holds our general mechanisms against other systems' own numbers: ``python -m conformance FILE_OR_DIR... [--json]``."""
