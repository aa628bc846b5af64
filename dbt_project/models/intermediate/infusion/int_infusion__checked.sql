-- Grain: one row per landed infusion segment, on the infusion clock and with its rate: kept (reason null) or set
-- aside with the reason. Nothing is swapped or guessed here.
with located as (
    -- The cycle is found by its number. Should a site have used one number twice, the latest cycle begun by that day
    -- is meant: a first bag is often written some minutes before the start on its own form.
    select
        segment.*,
        blin_cycle.cycle_instance_no,
        coalesce(blin_cycle.is_whole_days, false) as is_whole_days,
        blin_cycle.bc_status_cd,
        blin_cycle.bc_bsa,
        blin_cycle.start_clock as cycle_start_clock,
        blin_cycle.end_clock as cycle_end_clock,
        row_number() over (
            partition by segment.patient_key, segment.instance_no
            order by
                case
                    when {{ date_of('blin_cycle.start_local') }} <= {{ date_of('segment.sg_start') }} then 0
                    when blin_cycle.start_local is not null then 1
                    else 2
                end asc,
                case
                    when {{ date_of('blin_cycle.start_local') }} <= {{ date_of('segment.sg_start') }}
                        then {{ date_of('blin_cycle.start_local') }}
                end desc,
                -- Of several of that day the latest begun by the minute.
                case when blin_cycle.start_local <= segment.sg_start then 0 else 1 end asc,
                case when blin_cycle.start_local <= segment.sg_start then blin_cycle.start_local end desc,
                blin_cycle.start_local asc,
                blin_cycle.cycle_instance_no asc
        ) as choice_no
    from {{ ref('stg_redcap__blin_segment') }} as segment
    left join {{ ref('int_blin_cycle__planned') }} as blin_cycle
        on
            segment.patient_key = blin_cycle.patient_key
            and segment.sg_cycle = blin_cycle.cycle_no_reported
            and not blin_cycle.is_repeat
),

clocked as (
    select
        located.*,
        subject.data_cut_date,
        subject.withdraw_date,
        subject.death_hi,
        subject.followed_end_cd,
        case
            when located.is_whole_days then {{ start_of_day('subject.followed_through_date') }}
            else subject.followed_through_clock
        end as horizon_clock,
        {{ infusion_clock('located.sg_start', 'located.is_whole_days', 'subject.time_zone') }} as start_clock,
        {{ infusion_clock('located.sg_end', 'located.is_whole_days', 'subject.time_zone') }} as end_clock,
        -- By body surface the rate is capped: at 9 mcg/day while the step rate of 5 mcg/m2/day runs, at 28
        -- mcg/day otherwise.
        case
            when located.sg_rate_unit_cd = '1' then located.sg_rate
            when located.sg_rate_unit_cd = '2' and located.sg_rate <= {{ parameter('step_rate_mcg_m2_day') }}
                then {{ capped('located.sg_rate * located.bc_bsa', parameter('step_rate_cap_mcg_day')) }}
            when located.sg_rate_unit_cd = '2'
                then {{ capped('located.sg_rate * located.bc_bsa', parameter('rate_cap_mcg_day')) }}
        end as rate_mcg_day
    from located
    inner join {{ ref('int_subject__horizon') }} as subject on located.patient_key = subject.patient_key
    where located.choice_no = 1
),

reasoned as (
    select
        *,
        case
            when not form_opened then 'INF_EMPTY_ROW'
            when sg_start is null then 'INF_START_MISSING'
            when cycle_instance_no is null then 'INF_NO_CYCLE'
            when bc_status_cd = '4' then 'INF_CYCLE_NOT_STARTED'
            when sg_rate is null or sg_rate_unit_cd is null then 'INF_RATE_MISSING'
            when rate_mcg_day is null then 'INF_BSA_MISSING'
            when end_clock <= start_clock then 'INF_NEGATIVE_OR_ZERO'
            when {{ date_of('sg_start') }} > data_cut_date then 'INF_START_AFTER_CUT'
            when {{ date_of('sg_start') }} > withdraw_date then 'INF_AFTER_WITHDRAWAL'
            when {{ date_of('sg_start') }} > death_hi then 'INF_AFTER_DEATH'
            when start_clock >= horizon_clock and not is_whole_days then 'INF_START_AFTER_CUT'
        end as row_reason_cd
    from clocked
),

compared as (
    -- Exact duplicates among the rows that are otherwise sound: the lowest instance stays.
    select
        *,
        min(instance_no) over (partition by patient_key, start_clock, end_clock, rate_mcg_day, row_reason_cd)
            as first_instance_no
    from reasoned
)

select
    patient_key,
    site_id,
    instance_no,
    sg_cycle as cycle_no_reported,
    cycle_instance_no,
    is_whole_days,
    sg_start as start_local,
    sg_end as end_local,
    start_clock,
    end_clock,
    cycle_start_clock,
    cycle_end_clock,
    horizon_clock,
    followed_end_cd,
    rate_mcg_day,
    case sg_rate_unit_cd when '1' then 'ENTERED' when '2' then 'BODY_SURFACE' end as rate_basis_cd,
    sg_end_reason_cd as end_reason_cd,
    case
        when row_reason_cd is not null then row_reason_cd
        when first_instance_no < instance_no then 'INF_EXACT_DUPLICATE'
    end as reason_cd,
    case
        when row_reason_cd is null and first_instance_no < instance_no then first_instance_no
    end as kept_instance_no,
    pull_id
from compared
