-- Grain: one row per answered query, as the data manager's file has it.
select
    query_key,
    evidence_sha256,
    answer_cd,
    note_cd
from {{ source('redcap', 'query_answer') }}
