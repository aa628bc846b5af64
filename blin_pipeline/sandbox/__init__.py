"""A REDCap to talk to when there is none: an HTTP server that answers as the real one does, and a synthetic registry.

What may live here: the server's protocol and project state (:mod:`~blin_pipeline.sandbox.server`,
:mod:`~blin_pipeline.sandbox.project`), faults that it commits on request (:mod:`~blin_pipeline.sandbox.faults`), and
the generator of synthetic patients (``synthetic/``). All data that this package ships or generates are synthetic and
say so; anything else comes from a file that the caller names.

What may not: anything that the pipeline needs to do its work. No other room imports this one (the command line and
the tests may), so that no code shared by both sides can hide a difference to the real server. The protocol is written
from ``docs/redcap.md``, not from the client. One thing is shared: how a project XML is read (``redcap.odm``), a file and no
protocol.
"""
