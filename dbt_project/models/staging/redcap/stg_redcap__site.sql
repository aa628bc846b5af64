-- Grain: one row per site of the settings file.
select
    site_id,
    time_zone,
    activated_date,
    complete_ascertainment
from {{ source('redcap', 'site') }}
