-- Grain: one row per landed blinatumomab cycle form: open queries on the form and on the segments that say its number,
-- those set aside included. One that was accepted as it is is not open.
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
    count(asked.query_key) as n_open_queries
from place
left join {{ ref('int_check__query') }} as asked
    on
        place.patient_key = asked.patient_key
        and place.form = asked.form
        and place.instance_no = asked.instance_no
        and asked.status_cd <> 'ACCEPTED_AS_IS'
group by place.patient_key, place.cycle_instance_no
