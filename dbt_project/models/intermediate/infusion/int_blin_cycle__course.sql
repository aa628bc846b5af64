-- Grain: one row per started blinatumomab cycle: its course (a new one begins when the line changes, when the site's
-- numbers start again, or after a transplant), its number in it, and its block of back-to-back cycles (a new one also
-- begins when chemotherapy lies between).
with placed as (
    select
        predecessor.*,
        numbered.line_cd,
        measured.cycle_no_reported,
        lag(numbered.line_cd) over (
            partition by predecessor.patient_key order by predecessor.cycle_overall_no
        ) as previous_line_cd,
        lag(measured.cycle_no_reported) over (
            partition by predecessor.patient_key order by predecessor.cycle_overall_no
        ) as previous_no_reported
    from {{ ref('int_blin_cycle__predecessor') }} as predecessor
    inner join {{ ref('int_blin_cycle__numbered') }} as numbered
        on
            predecessor.patient_key = numbered.patient_key
            and predecessor.cycle_instance_no = numbered.cycle_instance_no
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            predecessor.patient_key = measured.patient_key
            and predecessor.cycle_instance_no = measured.cycle_instance_no
),

opened as (
    select
        *,
        case
            when previous_start_date is null then 1
            when line_cd <> previous_line_cd then 1
            when cycle_no_reported <= previous_no_reported then 1
            when n_hsct_between > 0 then 1
            else 0
        end as opens_course
    from placed
),

numbered_course as (
    select
        *,
        sum(opens_course) over (
            partition by patient_key order by cycle_overall_no rows between unbounded preceding and current row
        ) as blin_course_no,
        sum(case when opens_course = 1 or has_chemo_between then 1 else 0 end) over (
            partition by patient_key order by cycle_overall_no rows between unbounded preceding and current row
        ) as block_no
    from opened
),

counted as (
    select
        *,
        row_number() over (
            partition by patient_key, blin_course_no order by cycle_overall_no
        ) as cycle_in_course_no
    from numbered_course
),

forms_before as (
    -- Numbers that the site gave to any form of the patient, never-started cycles included.
    select
        counted.patient_key,
        counted.cycle_instance_no,
        count(distinct plan.cycle_no_reported) as n_lower_numbers
    from counted
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on counted.patient_key = plan.patient_key and counted.cycle_no_reported > plan.cycle_no_reported
    where plan.cycle_no_reported >= 1
    group by counted.patient_key, counted.cycle_instance_no
)

select
    counted.patient_key,
    counted.cycle_instance_no,
    counted.cycle_overall_no,
    counted.line_cd,
    counted.cycle_start_date,
    counted.previous_start_date,
    counted.previous_end_date,
    counted.n_chemo_between,
    counted.n_hsct_between,
    counted.predecessor_cd,
    counted.last_treatment_end_date,
    counted.blin_course_no,
    counted.block_no,
    counted.cycle_in_course_no,
    case
        when counted.cycle_no_reported is null then 'DERIVED'
        when counted.cycle_no_reported in (counted.cycle_overall_no, counted.cycle_in_course_no) then 'BOTH_AGREE'
        else 'DISAGREE'
    end as cycle_number_source_cd,
    coalesce(forms_before.n_lower_numbers, 0) < counted.cycle_no_reported - 1 as has_missing_prior_cycle,
    -- Start to planned next start: 42 days, in continued therapy of relapsed or refractory disease 84.
    case
        when
            counted.line_cd = 'RELAPSED_REFRACTORY'
            and counted.cycle_in_course_no >= {{ parameter('continued_from_cycle') }}
            then {{ parameter('continued_cycle_length_d') }}
        else {{ parameter('cycle_length_d') }}
    end as cycle_length_d
from counted
left join forms_before
    on counted.patient_key = forms_before.patient_key and counted.cycle_instance_no = forms_before.cycle_instance_no
