-- Grain: one row per row that the landing refused.
select
    crosswalk.patient_key,
    crosswalk.site_id,
    refused.form,
    coalesce({{ safe_cast("nullif(trim(refused.instance), '')", 'integer') }}, 1) as instance_no,
    refused.reason_cd
from {{ source('redcap', 'quarantine') }} as refused
left join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on refused.record_id = crosswalk.record_id
