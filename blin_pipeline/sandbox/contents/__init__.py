"""One module per subject of the API: what each content type answers, and what it changes.

What may live here: functions from a :class:`~blin_pipeline.sandbox.contents.call.Call` to an
:class:`~blin_pipeline.sandbox.contents.call.Answer`, and the table
:data:`~blin_pipeline.sandbox.contents.operations.OPERATIONS` that says which of them answers which request and what
right it needs. What may not: HTTP, bytes of the formats, or the rules of record exports.
"""
