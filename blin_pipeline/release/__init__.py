"""The safe copy: pseudonyms, allow-list and transforms, build-verify-swap, ledger, rollback.

Here: everything between the warehouse and the folder that readers open. Readers only ever open a published release.
Not here: computing outcomes, drawing, and anything that would write into a release after it was published.
"""
