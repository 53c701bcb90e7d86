"""From the text of one cell to a value. The admin's forms use the same parsers."""
