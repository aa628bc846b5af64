"""What the pull must make of each fault of the sandbox: its code, by the endpoint that is struck."""

from __future__ import annotations

from blin_pipeline.sandbox.faults import FaultKind

K = FaultKind

#: What every endpoint must make of a fault.
EVERYWHERE = {
    K.RESET: "E_CONNECTION",
    K.SHORT_BODY: "E_TRUNCATED",
    K.CUT_MID_ROW: "E_TRUNCATED",
    K.CHUNKED_ENDS_EARLY: "E_TRUNCATED",
    K.GZIP_CUT: "E_TRUNCATED",
    K.STATUS_HTML: "E_HTTP_5XX",
    K.STATUS_EMPTY: "E_HTTP_5XX",
    K.STATUS_JSON: "E_HTTP_5XX",
    K.STATUS_HALF_BODY: "E_HTTP_5XX",
    K.STATUS_FULL_BODY: "E_HTTP_5XX",
    K.RATE_LIMIT_HTML: "E_RATE_LIMIT",
    K.RATE_LIMIT_JSON: "E_RATE_LIMIT",
    K.BAD_TOKEN: "E_AUTH",
    K.BAN_PAGE: "E_AUTH",
    K.REDIRECT_302: "E_REDIRECT",
    K.REDIRECT_307: "E_REDIRECT",
    K.ERROR_JSON: "E_REDCAP",
    K.ERROR_JSON_LIST: "E_REDCAP",
    K.ERROR_XML: "E_REDCAP",
    K.ERROR_CSV: "E_REDCAP",
    K.MEMORY_SENTENCE: "E_REDCAP",
    K.MAINTENANCE: "E_MAINTENANCE",
    K.EMPTY_BODY: "E_EMPTY",
    K.PHP_WARNING: "E_BODY_NOT_JSON",
    K.PHP_FATAL: "E_BODY_NOT_JSON",
    K.BOM: "E_ENCODING",
    K.INVALID_UTF8: "E_ENCODING",
}
ONLY_CSV = {
    K.NULL_BODY: "E_EMPTY",
    K.EMPTY_LIST: "E_EMPTY",
    K.OBJECT_BODY: "E_BODY_NOT_JSON",
    K.CUT_AT_ROW: "E_INCOMPLETE",
    K.EXTRA_COLUMN: "E_SCHEMA",
    K.MISSING_COLUMN: "E_SCHEMA",
    K.OPEN_QUOTE: "E_SCHEMA",
    K.DUPLICATED_ROWS: "E_DUPLICATE_KEY",
    K.SHUFFLED_COLUMNS: "E_SCHEMA",
}
ONLY_JSON = {
    K.NULL_BODY: "E_EMPTY",
    K.EMPTY_LIST: "E_EMPTY",
    K.OBJECT_BODY: "E_SCHEMA",
    K.DUPLICATE_KEY: "E_JSON_STRICT",
    K.NAN: "E_JSON_STRICT",
}
#: Where one endpoint knows better.
EXCEPTIONS = {
    (K.NULL_BODY, "metadata"): "E_METADATA",
    (K.EMPTY_LIST, "metadata"): "E_METADATA",
    (K.OBJECT_BODY, "metadata"): "E_METADATA",
    (K.CUT_AT_ROW, "metadata"): "E_SCHEMA",
    (K.CUT_AT_ROW, "instrument"): "E_SCHEMA",
    (K.CUT_AT_ROW, "names"): "E_SCHEMA",
    (K.CUT_AT_ROW, "repeating"): "E_EMPTY",
    (K.CUT_AT_ROW, "dag"): "E_SCHEMA",
}
