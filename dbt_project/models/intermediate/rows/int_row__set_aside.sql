-- Grain: one row per row kept out of the tables, with the reason. Every landed row of a repeating instrument is
-- either kept by its own model or stands here, never both (test assert_rows_conserved).
select
    patient_key,
    site_id,
    form,
    instance_no,
    reason_cd,
    cast(null as integer) as kept_instance_no,
    pull_id
from {{ ref('int_form_row__checked') }}
where reason_cd is not null
union all
select
    patient_key,
    site_id,
    'blin_segment' as form,
    instance_no,
    reason_cd,
    kept_instance_no,
    pull_id
from {{ ref('int_infusion__checked') }}
where reason_cd is not null
union all
select
    plan.patient_key,
    plan.site_id,
    'blin_cycle' as form,
    plan.cycle_instance_no as instance_no,
    plan.header_reason_cd as reason_cd,
    cast(null as integer) as kept_instance_no,
    plan.pull_id
from {{ ref('int_blin_cycle__planned') }} as plan
left join {{ ref('int_blin_cycle__measured') }} as measured
    on plan.patient_key = measured.patient_key and plan.cycle_instance_no = measured.cycle_instance_no
where measured.patient_key is null
