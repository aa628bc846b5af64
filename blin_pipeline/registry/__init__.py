"""The study as data: dictionary, field map, code lists, parameters, reference values, de-identification policy.

Here: the files of one study (``study/``) and typed loaders that validate them and name file, row and column of a fault.
Not here: logic about the study. Another registry that uses REDCap replaces the files of ``study/``, not this code.
"""
