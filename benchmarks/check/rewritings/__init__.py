"""A table of functions that rewrite right programs without changing their meaning."""

from rewritings import cells, forms, names, order, scripts
from rewritings.program import Kind, Program

KINDS: dict[str, Kind] = names.KINDS | order.KINDS | cells.KINDS | scripts.KINDS | forms.KINDS

__all__ = ["KINDS", "Kind", "Program"]
