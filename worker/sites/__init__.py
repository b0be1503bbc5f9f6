"""The scraped sites: polite fetching, and pure parsers from a page to typed rows.

Each parser is a function ``page (bytes or text) → rows + warnings`` that raises nothing but `StructureChanged`. They read by header text,
label and link, never by position or class, because only those have stayed the same over the years.
"""
