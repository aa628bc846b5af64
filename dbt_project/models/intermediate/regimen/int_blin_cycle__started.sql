-- Grain: one row per started blinatumomab cycle, as the models of regimen and disease need it.
select
    measured.patient_key,
    measured.site_id,
    measured.cycle_instance_no,
    numbered.cycle_overall_no,
    numbered.cycle_start_date as start_date,
    numbered.cycle_end_date as end_date,
    numbered.line_cd,
    planned.purpose_cd,
    planned.planned_days,
    form.bc_tki_cd as tki_cd,
    judged.is_ongoing,
    planned.pull_id
from {{ ref('int_blin_cycle__measured') }} as measured
inner join {{ ref('int_blin_cycle__judged') }} as judged
    on
        measured.patient_key = judged.patient_key
        and measured.cycle_instance_no = judged.cycle_instance_no
        and judged.is_started
inner join {{ ref('int_blin_cycle__numbered') }} as numbered
    on measured.patient_key = numbered.patient_key and measured.cycle_instance_no = numbered.cycle_instance_no
inner join {{ ref('int_blin_cycle__planned') }} as planned
    on measured.patient_key = planned.patient_key and measured.cycle_instance_no = planned.cycle_instance_no
inner join {{ ref('stg_redcap__blin_cycle') }} as form
    on measured.patient_key = form.patient_key and measured.cycle_instance_no = form.instance_no
