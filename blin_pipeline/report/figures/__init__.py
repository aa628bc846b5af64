"""Drawing only: each module takes plain numbers and words and gives one inline SVG.

Every figure is drawn twice, for a column of paper or screen and for a phone (``style.WIDE``, ``style.NARROW``); the page
shows one of them. Here: matplotlib, coordinates, text that must fit. Not here: rows, choices, statistics.
"""
