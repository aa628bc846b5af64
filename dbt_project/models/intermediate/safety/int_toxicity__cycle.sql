-- Grain: one row per counted adverse event that falls into a blinatumomab cycle: from its start to some days after its
-- end, by kind; the latest cycle that had started wins. A cycle without a known end counts as long as it was planned,
-- one that has not ended at the cut up to the cut.
with placed as (
    select
        adverse.patient_key,
        adverse.instance_no,
        blin_cycle.cycle_overall_no,
        blin_cycle.cycle_instance_no,
        {{ days_between('blin_cycle.start_date', 'adverse.onset_date') }}
        + 1 as day_of_cycle,
        row_number() over (
            partition by adverse.patient_key, adverse.instance_no
            order by blin_cycle.start_date desc, blin_cycle.cycle_overall_no desc
        ) as recency
    from {{ ref('int_adverse_event__kept') }} as adverse
    inner join {{ ref('int_blin_cycle__started') }} as blin_cycle
        on adverse.patient_key = blin_cycle.patient_key and adverse.onset_date >= blin_cycle.start_date
    where
        blin_cycle.is_ongoing
        or {{ days_between(
            'coalesce(blin_cycle.end_date, ' ~ add_days('blin_cycle.start_date', 'blin_cycle.planned_days') ~ ')',
            'adverse.onset_date'
        ) }} <= {{ toxicity_window('adverse.tox_cd') }}
)

select
    patient_key,
    instance_no,
    cycle_overall_no,
    cycle_instance_no,
    day_of_cycle
from placed
where recency = 1
