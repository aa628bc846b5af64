-- Grain: one row per landed blinatumomab cycle form: open findings on the form and on the segments that say its number,
-- those set aside included.
with place as (
    select
        patient_key,
        cycle_instance_no,
        'blin_cycle' as form,
        cycle_instance_no as instance_no
    from {{ ref('int_blin_cycle__planned') }}
    union all
    select
        patient_key,
        cycle_instance_no,
        'blin_segment' as form,
        instance_no
    from {{ ref('int_infusion__checked') }}
    where cycle_instance_no is not null
)

select
    place.patient_key,
    place.cycle_instance_no,
    count(finding.check_id) as n_open_queries
from place
left join {{ ref('int_check__finding') }} as finding
    on
        place.patient_key = finding.patient_key
        and place.form = finding.form
        and place.instance_no = finding.instance_no
group by place.patient_key, place.cycle_instance_no
