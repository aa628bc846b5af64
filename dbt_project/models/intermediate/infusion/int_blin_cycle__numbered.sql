-- Grain: one row per blinatumomab cycle that counts, numbered over life by start; cycles never started come last.
-- The line is derived from the course of the disease and stands beside the site's own.
with dated as (
    select
        measured.*,
        {{ date_of('measured.start_local') }} as cycle_start_date,
        -- A stop before the start that counts (segments of another year, say) is no stop.
        case
            when measured.stop_clock < measured.placed_clock then null
            when measured.is_whole_days or subject.time_zone is null then measured.stop_clock
            else {{ to_local('measured.stop_clock', 'subject.time_zone') }}
        end as stop_local,
        subject.followed_through_date,
        row_number() over (
            partition by measured.patient_key
            order by
                case when measured.exposure_source_cd = 'NOT_STARTED' then 1 else 0 end,
                case when measured.start_local is null then 1 else 0 end,
                measured.start_local,
                coalesce(measured.cycle_no_reported, 999),
                measured.cycle_instance_no
        ) as cycle_overall_no,
        -- An instant can be called UTC only where the zone and the clock time are known.
        not measured.is_whole_days and subject.time_zone is not null as is_utc
    from {{ ref('int_blin_cycle__measured') }} as measured
    inner join {{ ref('int_subject__horizon') }} as subject on measured.patient_key = subject.patient_key
)

select
    dated.patient_key,
    dated.cycle_instance_no,
    dated.cycle_overall_no,
    case when dated.exposure_source_cd <> 'NOT_STARTED' then dated.cycle_start_date end as cycle_start_date,
    -- What is followed to the end of a day stops at 24:00: that is still this day.
    case
        when {{ date_of('dated.stop_local') }} > dated.followed_through_date then dated.followed_through_date
        else {{ date_of('dated.stop_local') }}
    end as cycle_end_date,
    case when dated.is_utc and dated.exposure_source_cd <> 'NOT_STARTED' then dated.placed_clock end as cycle_start_utc,
    case when dated.is_utc and dated.stop_clock >= dated.placed_clock then dated.stop_clock end as cycle_end_utc,
    case
        when dated.is_whole_days then 'DATE_ONLY'
        when dated.exposure_source_cd = 'SEGMENTS' then 'DATETIME'
        else 'CYCLE_ONLY'
    end as granularity_cd,
    case
        -- A date on the form of a cycle never started is a plan, not a start.
        when dated.exposure_source_cd = 'NOT_STARTED' then null
        when dated.cycle_start_date >= progression.progression_date then 'RELAPSED_REFRACTORY'
        when dated.cycle_start_date >= recurrence.recurrence_date then 'MRD_DIRECTED'
        when dated.cycle_start_date is not null then 'FRONTLINE'
    end as line_cd
from dated
left join {{ ref('int_frontline__progression') }} as progression on dated.patient_key = progression.patient_key
left join {{ ref('int_mrd__recurrence') }} as recurrence on dated.patient_key = recurrence.patient_key
