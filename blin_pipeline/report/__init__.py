"""Pictures and pages drawn from ``report.result`` and ``meta``: HTML, inline SVG, tables.

Here: choosing, wording, formatting and drawing numbers that were computed elsewhere. Every number on a page is one cell of
one row of ``report.result``; a row that holds no number has a state, and the page says the state in words.
Not here: computing an outcome, a count or an interval; reading patient tables; hiding small cells (the release does that
before this room reads).

``rows`` reads, ``words`` and ``numbers`` put into words, ``blocks`` decide what a section of the page holds, ``figures``
draw, ``study`` joins them into ``report.html``.
"""
