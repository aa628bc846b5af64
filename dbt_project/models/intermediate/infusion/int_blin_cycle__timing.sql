-- Grain: one row per started blinatumomab cycle: how long after what came before it started, and its relative dose
-- intensity. Dose intensity has a meaning only within a block of at least two back-to-back cycles that has ended:
-- with chemotherapy between, calendar time has no agreed plan.
with timed as (
    select
        course.*,
        judged.completeness_frac,
        cast(
            {{ days_between('course.previous_end_date', 'course.cycle_start_date') }}
            as integer
        ) as gap_prev_days,
        cast(
            {{ days_between('course.previous_start_date', 'course.cycle_start_date') }}
            as integer
        ) as start_to_start_days,
        cast(
            {{ days_between('course.last_treatment_end_date', 'course.cycle_start_date') }}
            as integer
        ) as since_treatment_days,
        lag(course.cycle_length_d) over (
            partition by course.patient_key order by course.cycle_overall_no
        ) as previous_length_d,
        lead(course.cycle_start_date) over (
            partition by course.patient_key, course.block_no order by course.cycle_overall_no
        ) as next_start_date,
        count(*) over (partition by course.patient_key, course.block_no) as n_block_cycles,
        max(case when judged.is_ongoing then 1 else 0 end) over (
            partition by course.patient_key, course.block_no
        ) as is_block_open
    from {{ ref('int_blin_cycle__course') }} as course
    inner join {{ ref('int_blin_cycle__judged') }} as judged
        on course.patient_key = judged.patient_key and course.cycle_instance_no = judged.cycle_instance_no
),

spaced as (
    select
        *,
        coalesce({{ days_between('cycle_start_date', 'next_start_date') }}, cycle_length_d) as actual_length_d,
        case when predecessor_cd = 'BLINATUMOMAB' then start_to_start_days - previous_length_d end as delay_days,
        -- 0 where it was still running, or the two cycles overlap.
        case
            when predecessor_cd = 'BLINATUMOMAB' then case when gap_prev_days < 0 then 0 else gap_prev_days end
            when since_treatment_days < 0 then 0
            else since_treatment_days
        end as days_from_predecessor
    from timed
)

select
    patient_key,
    cycle_instance_no,
    blin_course_no,
    cycle_in_course_no,
    cycle_number_source_cd,
    has_missing_prior_cycle,
    block_no,
    n_block_cycles,
    is_block_open = 1 as is_block_open,
    cycle_length_d,
    actual_length_d,
    gap_prev_days,
    start_to_start_days,
    n_chemo_between,
    n_hsct_between,
    predecessor_cd,
    days_from_predecessor,
    delay_days,
    delay_days > {{ parameter('blin_delay_d') }} as is_delayed,
    case
        when predecessor_cd not in ('BLINATUMOMAB', 'NONE')
            then days_from_predecessor > {{ parameter('late_start_d') }}
    end as is_late,
    case
        when n_block_cycles > 1 and is_block_open = 0 and actual_length_d > 0
            then completeness_frac * cycle_length_d / actual_length_d
    end as rdi_frac
from spaced
