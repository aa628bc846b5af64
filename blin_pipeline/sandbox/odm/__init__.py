"""REDCap's project XML (CDISC ODM 1.3.1 with REDCap's own attributes): a whole project read and written.

What may live here: the vocabulary of that file, parsing it into the plain shape :class:`~.model.OdmProject` and
writing it from there. What may not: project state, rights, HTTP. Source: ``docs/redcap.md`` section 12.
"""
