"""REDCap's project XML (CDISC ODM 1.3.1 with REDCap's own attributes) as a reader meets it.

Here: its vocabulary, safe parsing, set-up and records as plain values. Not here: what a server makes of them (the sandbox),
what a pull makes of them (``redcap.project_xml``).
"""
