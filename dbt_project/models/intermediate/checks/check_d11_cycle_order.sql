-- D11, error: cycle numbers not consecutive from 1 in order of start (after a cycle without a number nothing can be
-- said); a cycle that overlaps an earlier one; starts under 28 days apart. Cycles planned and never started are left
-- out.
with cycle as (
    select
        plan.patient_key,
        plan.site_id,
        plan.cycle_instance_no,
        plan.cycle_no_reported,
        plan.start_local,
        plan.start_clock,
        lag(plan.cycle_no_reported) over (
            partition by plan.patient_key order by plan.start_local, plan.cycle_instance_no
        ) as previous_no,
        lag(plan.start_local) over (
            partition by plan.patient_key order by plan.start_local, plan.cycle_instance_no
        ) as previous_start_local,
        max(plan.end_clock) over (
            partition by plan.patient_key order by plan.start_local, plan.cycle_instance_no
            rows between unbounded preceding and 1 preceding
        ) as earlier_end_clock
    from {{ ref('int_blin_cycle__planned') }} as plan
    inner join {{ ref('int_subject__recorded') }} as subject
        on plan.patient_key = subject.patient_key and subject.is_patient
    where plan.start_local is not null and coalesce(plan.bc_status_cd, '') <> '4'
),

judged as (
    select
        *,
        cycle_no_reported <> coalesce(previous_no, 0) + 1 as is_number_wrong,
        coalesce(earlier_end_clock > start_clock, false)
        or {{ add_days(date_of('previous_start_local'), parameter('cycle_start_to_start_min_days')) }}
        > {{ date_of('start_local') }} as is_start_wrong
    from cycle
)

select {{ check_columns('D11', 'blin_cycle', 'bc_number', 'is_number_wrong', instance_no='cycle_instance_no') }}
from judged
where cycle_no_reported is not null and (previous_start_local is null or previous_no is not null)
union all
select {{ check_columns('D11', 'blin_cycle', 'bc_start', 'is_start_wrong', instance_no='cycle_instance_no') }}
from judged
where previous_start_local is not null
