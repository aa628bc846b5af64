-- Grain: one row: the pull that all rows come from and the data cut. No clock.
select
    pull_id,
    data_cut_date
from {{ ref('stg_redcap__pull') }}
