-- Grain: one row per kept infusion segment, with the stop that counts and where it comes from. The stop of a segment
-- that is over but has none (MISSING) is not known; the time of its cycle is then not known either.
with kept as (
    select
        usable.*,
        lead(usable.start_clock) over (
            partition by usable.patient_key, usable.cycle_instance_no order by usable.start_clock, usable.instance_no
        ) as next_start_clock,
        -- Over: the site says why it ended, the form has a stop (before this start), or the cycle is over.
        usable.end_reason_cd is not null
        or usable.cycle_end_clock is not null
        or ended.is_reported_over
        or ended.is_followed_by_cycle as is_over
    from {{ ref('int_infusion__checked') }} as usable
    inner join {{ ref('int_blin_cycle__ended') }} as ended
        on usable.patient_key = ended.patient_key and usable.cycle_instance_no = ended.cycle_instance_no
    where usable.reason_cd is null
),

stopped as (
    -- An end that was not recorded: the next segment's start, else the cycle form's stop, else, where nothing says that
    -- it is over, as far as the patient is followed.
    select
        *,
        case
            when end_clock is not null then 'RECORDED'
            when next_start_clock is not null then 'NEXT_SEGMENT'
            when cycle_end_clock > start_clock then 'CYCLE_FORM'
            when is_over then 'MISSING'
            else followed_end_cd
        end as found_basis_cd,
        case
            when end_clock is not null then end_clock
            when next_start_clock is not null then next_start_clock
            when cycle_end_clock > start_clock then cycle_end_clock
            when not is_over then horizon_clock
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
    found_basis_cd in ('CUT', 'WITHDRAWAL', 'DEATH', 'MISSING')
    or (found_stop_clock > horizon_clock and followed_end_cd in ('CUT', 'WITHDRAWAL')) as is_open,
    max(case when found_basis_cd = 'MISSING' then 1 else 0 end) over (
        partition by patient_key, cycle_instance_no
    ) = 0 as is_cycle_measured,
    rate_mcg_day,
    rate_basis_cd,
    end_reason_cd,
    pull_id
from stopped
