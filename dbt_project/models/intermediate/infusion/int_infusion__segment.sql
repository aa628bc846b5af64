-- Grain: one row per kept infusion segment, with the stop that counts and where it comes from.
with kept as (
    select
        *,
        lead(start_clock) over (
            partition by patient_key, cycle_instance_no order by start_clock, instance_no
        ) as next_start_clock
    from {{ ref('int_infusion__checked') }}
    where reason_cd is null
),

stopped as (
    -- An end that was not recorded: the next segment's start, else the cycle form's stop, else as far as the
    -- patient is followed.
    select
        *,
        case
            when end_clock is not null then 'RECORDED'
            when next_start_clock is not null then 'NEXT_SEGMENT'
            when cycle_end_clock > start_clock then 'CYCLE_FORM'
            else followed_end_cd
        end as found_basis_cd,
        case
            when end_clock is not null then end_clock
            when next_start_clock is not null then next_start_clock
            when cycle_end_clock > start_clock then cycle_end_clock
            else horizon_clock
        end as found_stop_clock
    from kept
)

select
    patient_key,
    site_id,
    instance_no,
    cycle_instance_no,
    cycle_no_reported,
    is_whole_days,
    start_local,
    end_local,
    start_clock,
    -- Nothing is infused after death, withdrawal or the cut.
    case when found_stop_clock > horizon_clock then horizon_clock else found_stop_clock end as stop_clock,
    case when found_stop_clock > horizon_clock then followed_end_cd else found_basis_cd end as end_basis_cd,
    -- Open: the true stop is not known. (A recorded stop after the death is known: it is the death.)
    found_basis_cd in ('CUT', 'WITHDRAWAL', 'DEATH')
    or (found_stop_clock > horizon_clock and followed_end_cd in ('CUT', 'WITHDRAWAL')) as is_open,
    rate_mcg_day,
    rate_basis_cd,
    end_reason_cd,
    pull_id
from stopped
