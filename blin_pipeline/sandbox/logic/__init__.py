"""REDCap's own expressions: filters, branching logic, calculations. Parsed once, evaluated against any reader of values.

What may live here: syntax, functions and the arithmetic of REDCap's values. What may not: project state; where a
reference is looked up is the caller's business (:class:`~.scope.Scope`). Source: ``docs/redcap.md`` section 10.
"""

from blin_pipeline.sandbox.logic.parser import Expression, parse_logic
from blin_pipeline.sandbox.logic.scope import Reference, Scope, values_scope

__all__ = ["Expression", "Reference", "Scope", "parse_logic", "values_scope"]
