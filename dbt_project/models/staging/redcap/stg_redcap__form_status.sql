-- Grain: patient x form x instance, from the census of the pull; status null where the form was never saved.
select
    crosswalk.patient_key,
    crosswalk.site_id,
    status.form,
    coalesce({{ safe_cast("nullif(trim(status.redcap_repeat_instance), '')", 'integer') }}, 1) as instance_no,
    nullif(status.complete_cd, '') as complete_cd
from {{ source('redcap', 'form_status') }} as status
inner join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on status.record_id = crosswalk.record_id
