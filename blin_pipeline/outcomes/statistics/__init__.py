"""Statistics: what is computed from plain arrays, one method per module.

Here: an estimate, its error and its interval, or a refusal (``NotEstimableError``) with its reason; every module names
the paper of its formula and the function of R that it agrees with. Not here: tables, columns, populations, result
rows, and how few patients are too few for a report (``small_numbers`` holds those limits as pure rules).

Conventions: time in days from the origin; a row is at risk in ``(start, stop]``, as in R's ``Surv(start, stop, event)``,
so that an event on the day of somebody's entry comes before the entry; ties by Efron; rows are sorted by all that they
hold before anything is summed, and sums do not pass through a threaded library, so that neither the order of rows nor
the number of threads changes a bit.

Modules import numpy at their top; import them where they are used.
"""
