"""Dagster: resources, assets, checks, jobs, schedules, sensors; it opens the doors and does no work itself.

Here: the only imports of Dagster, and thin functions that fetch, call a room and note counts.
Not here: logic worth testing without Dagster (that belongs to a room), and anything that puts a record's value into metadata.
"""
