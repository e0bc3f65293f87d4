"""The margin book: accounts x positions as columns, equity and requirements in exact integers, who is at risk."""

from seawall.margin.snapshot import ROLES, BookSnapshot

__all__ = ["ROLES", "BookSnapshot"]
