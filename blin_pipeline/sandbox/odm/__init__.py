"""REDCap's project XML (CDISC ODM 1.3.1 with REDCap's own attributes) and the sandbox: a whole project loaded and written.

What may live here: what a server makes of that file, and how it writes one. Reading it is ``redcap.odm``. What may not:
project state, rights, HTTP. Source: ``docs/redcap.md`` section 15.
"""
