-- D08, error: a segment overlaps an earlier one of its cycle, begins before the cycle's first start or runs past its
-- last stop, or belongs to no cycle; one entered twice counts once. D08W, warn: a gap of more than 7 days inside one
-- cycle.
with segment as (
    select
        usable.*,
        max(usable.end_clock) over (
            partition by usable.patient_key, usable.cycle_instance_no
            order by usable.start_clock, usable.instance_no
            rows between unbounded preceding and 1 preceding
        ) as earlier_end_clock
    from {{ ref('int_infusion__checked') }} as usable
    inner join {{ ref('int_subject__recorded') }} as subject
        on usable.patient_key = subject.patient_key and subject.is_patient
    where usable.start_clock is not null and coalesce(usable.reason_cd, '') <> 'INF_EXACT_DUPLICATE'
),

gap as (
    select
        total.patient_key,
        plan.site_id,
        plan.cycle_instance_no,
        total.n_interrupt_7d
    from {{ ref('int_infusion__cycle_total') }} as total
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on total.patient_key = plan.patient_key and total.cycle_instance_no = plan.cycle_instance_no
    inner join {{ ref('int_subject__recorded') }} as subject
        on total.patient_key = subject.patient_key and subject.is_patient
)

select
    {{ check_columns('D08', 'blin_segment', 'sg_cycle', 'cycle_instance_no is null', instance_no='instance_no') }}
from segment
union all
select
    {{ check_columns('D08', 'blin_segment', 'sg_start',
        'coalesce(earlier_end_clock > start_clock, false) or start_clock < cycle_start_clock',
        instance_no='instance_no') }}
from segment
where cycle_instance_no is not null
union all
select
    {{ check_columns('D08', 'blin_segment', 'sg_end', 'end_clock > cycle_end_clock', instance_no='instance_no') }}
from segment
where cycle_end_clock is not null and end_clock is not null
union all
select
    {{ check_columns('D08W', 'blin_cycle', 'bc_number', 'n_interrupt_7d > 0', instance_no='cycle_instance_no') }}
from gap
