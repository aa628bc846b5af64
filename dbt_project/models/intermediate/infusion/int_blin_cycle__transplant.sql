-- Grain: one row per started blinatumomab cycle: whether a transplant followed its end within the bridging window. True
-- as soon as one is known, false once the window has passed, null while it runs or without a known end of the cycle.
-- It looks ahead: for description, never to name the purpose of a cycle or as a baseline covariate.
with placed as (
    select
        blin_cycle.patient_key,
        blin_cycle.cycle_instance_no,
        {{ add_days('blin_cycle.end_date', parameter('bridging_window_days')) }} as window_end_date,
        horizon.followed_through_date,
        horizon.followed_end_cd,
        min(hct.hsct_date) as hsct_date
    from {{ ref('int_blin_cycle__started') }} as blin_cycle
    inner join {{ ref('int_subject__horizon') }} as horizon on blin_cycle.patient_key = horizon.patient_key
    left join {{ ref('int_hct__kept') }} as hct
        on blin_cycle.patient_key = hct.patient_key and blin_cycle.end_date <= hct.hsct_date
    group by
        blin_cycle.patient_key,
        blin_cycle.cycle_instance_no,
        blin_cycle.end_date,
        horizon.followed_through_date,
        horizon.followed_end_cd
)

select
    patient_key,
    cycle_instance_no,
    case
        when window_end_date is null then null
        when hsct_date <= window_end_date then true
        when followed_end_cd = 'DEATH' or window_end_date <= followed_through_date then false
    end as has_hsct_within_window
from placed
