-- Grain: one row per landed blinatumomab cycle form: whether its infusion is over although nobody may have written
-- when. It is over when the site calls the cycle completed or stopped early (unless death is the reason and ended it),
-- or when a later cycle of the patient has begun. Such a cycle does not run on to the cut: without a stop its time is
-- not known.
with started as (
    select
        patient_key,
        cycle_instance_no,
        start_local
    from {{ ref('int_blin_cycle__planned') }}
    where header_reason_cd is null and coalesce(bc_status_cd, '') <> '4' and start_local is not null
    union all
    select
        patient_key,
        cycle_instance_no,
        start_local
    from {{ ref('int_infusion__checked') }}
    where reason_cd is null
),

begun as (
    select
        patient_key,
        cycle_instance_no,
        min(start_local) as start_local
    from started
    group by patient_key, cycle_instance_no
),

followed as (
    select
        begun.patient_key,
        begun.cycle_instance_no,
        min(later.start_local) as next_start_local
    from begun
    inner join begun as later on begun.patient_key = later.patient_key and begun.start_local < later.start_local
    group by begun.patient_key, begun.cycle_instance_no
)

select
    plan.patient_key,
    plan.cycle_instance_no,
    coalesce(plan.bc_status_cd in ('2', '3'), false)
    and not coalesce(plan.stop_reason_cd = '6' and plan.followed_end_cd = 'DEATH', false) as is_reported_over,
    followed.next_start_local is not null as is_followed_by_cycle
from {{ ref('int_blin_cycle__planned') }} as plan
left join followed
    on plan.patient_key = followed.patient_key and plan.cycle_instance_no = followed.cycle_instance_no
