"""One module per section of the page: which rows it reads, how they are worded, what is said when a row has no number.

Not here: drawing (``figures``), HTML (``templates``), numbers that no row holds.
"""
