-- Grain: patient x window: the time in which assessments count for a best response. FRONTLINE and each later LINE from
-- the start of its therapy to progression or the next line, END_INDUCTION around day 29, BLIN_CYCLE after each started
-- cycle until the next systemic therapy. First and last day are both inside, and none is after the death.
with line as (
    select
        therapy.patient_key,
        therapy.line_no,
        min(therapy.start_date) as start_date
    from {{ ref('int_therapy__line') }} as therapy
    where therapy.line_no > 1
    group by therapy.patient_key, therapy.line_no
),

bounded_line as (
    select
        line.patient_key,
        line.line_no,
        line.start_date,
        lead(line.start_date) over (partition by line.patient_key order by line.line_no) as next_start_date,
        min(relapse.relapse_date) as next_relapse_date
    from line
    left join {{ ref('int_relapse__kept') }} as relapse
        on line.patient_key = relapse.patient_key and relapse.is_relapse and line.start_date < relapse.relapse_date
    group by line.patient_key, line.line_no, line.start_date
),

systemic as (
    select
        course.patient_key,
        course.start_date
    from {{ ref('int_course__kept') }} as course
    where
        {{ any_ticked('course.tc_drugs', registry_field('treatment_course', 'tc_drugs').codes) }}
        or not coalesce(course.tc_it_doses > 0, false)
    union all
    select
        patient_key,
        start_date
    from {{ ref('int_blin_cycle__started') }}
    union all
    select
        patient_key,
        hsct_date as start_date
    from {{ ref('int_hct__kept') }}
    union all
    select
        patient_key,
        cart_date as start_date
    from {{ ref('int_relapse__kept') }}
    where cart_date is not null
),

after_cycle as (
    select
        blin_cycle.patient_key,
        blin_cycle.cycle_overall_no,
        blin_cycle.start_date,
        therapy.line_no,
        min(systemic.start_date) as next_therapy_date
    from {{ ref('int_blin_cycle__started') }} as blin_cycle
    inner join {{ ref('int_therapy__line') }} as therapy
        on
            blin_cycle.patient_key = therapy.patient_key
            and blin_cycle.cycle_instance_no = therapy.instance_no
            and therapy.form = 'blin_cycle'
    left join systemic
        on blin_cycle.patient_key = systemic.patient_key and blin_cycle.start_date < systemic.start_date
    group by blin_cycle.patient_key, blin_cycle.cycle_overall_no, blin_cycle.start_date, therapy.line_no
),

window_of as (
    select
        patient_key,
        'FRONTLINE' as window_cd,
        0 as window_no,
        1 as line_no,
        plan_date as origin_date,
        {{ add_days('plan_date', 1) }} as from_date,
        {{ earliest_date([add_days('progression_date', -1), 'frontline_end_date']) }} as to_date
    from {{ ref('int_frontline__period') }}
    union all
    select
        patient_key,
        'END_INDUCTION' as window_cd,
        0 as window_no,
        1 as line_no,
        plan_date as origin_date,
        {{ add_days('plan_date', parameter('end_induction_from_days')) }} as from_date,
        {{ earliest_date([
            add_days('plan_date', parameter('end_induction_to_days')),
            add_days('progression_date', -1),
            'frontline_end_date',
        ]) }} as to_date
    from {{ ref('int_frontline__period') }}
    union all
    select
        bounded_line.patient_key,
        'LINE' as window_cd,
        0 as window_no,
        bounded_line.line_no,
        bounded_line.start_date as origin_date,
        {{ add_days('bounded_line.start_date', 1) }} as from_date,
        {{ earliest_date([
            add_days('bounded_line.next_start_date', -1),
            add_days('bounded_line.next_relapse_date', -1),
            'horizon.followed_through_date',
        ]) }} as to_date
    from bounded_line
    inner join {{ ref('int_subject__horizon') }} as horizon on bounded_line.patient_key = horizon.patient_key
    union all
    select
        after_cycle.patient_key,
        'BLIN_CYCLE' as window_cd,
        after_cycle.cycle_overall_no as window_no,
        after_cycle.line_no,
        after_cycle.start_date as origin_date,
        {{ add_days('after_cycle.start_date', parameter('after_blin_from_days')) }} as from_date,
        -- Nothing counts after the death, as in the other windows.
        {{ earliest_date([
            add_days('after_cycle.start_date', parameter('after_blin_to_days')),
            'after_cycle.next_therapy_date',
            'horizon.followed_through_date',
        ]) }} as to_date
    from after_cycle
    inner join {{ ref('int_subject__horizon') }} as horizon on after_cycle.patient_key = horizon.patient_key
)

select
    window_of.patient_key,
    subject.site_id,
    window_of.window_cd,
    cast(window_of.window_no as integer) as window_no,
    cast(window_of.line_no as integer) as line_no,
    window_of.origin_date,
    window_of.from_date,
    window_of.to_date,
    subject.pull_id
from window_of
inner join {{ ref('int_subject__recorded') }} as subject on window_of.patient_key = subject.patient_key
