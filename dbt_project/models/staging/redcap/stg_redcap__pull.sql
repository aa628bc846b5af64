-- Grain: one row, the current pull. No clock: what a model may know of time is the data cut.
select
    pull_id,
    project_id,
    source_kind,
    data_cut_date,
    data_cut_utc
from {{ source('redcap', 'pull') }}
