-- Grain: one row per patient with a started blinatumomab cycle: whether frontline blinatumomab ended before its plan,
-- and why. Discontinued: the last frontline cycle was not completed, or there were fewer cycles than planned. Not
-- judged while therapy may still go on (frontline, and at most 90 days from the last stop to the cut).
with cycle as (
    select
        numbered.patient_key,
        numbered.cycle_instance_no,
        numbered.line_cd,
        coalesce(numbered.cycle_end_date, numbered.cycle_start_date) as end_date,
        judged.is_ongoing,
        judged.is_complete,
        plan.bc_status_cd,
        plan.stop_reason_cd,
        count(*) over (partition by numbered.patient_key, numbered.line_cd) as n_in_line,
        row_number() over (
            partition by numbered.patient_key, numbered.line_cd order by numbered.cycle_overall_no desc
        ) as from_last_in_line,
        row_number() over (partition by numbered.patient_key order by numbered.cycle_overall_no desc) as from_last
    from {{ ref('int_blin_cycle__numbered') }} as numbered
    inner join {{ ref('int_blin_cycle__judged') }} as judged
        on numbered.patient_key = judged.patient_key and numbered.cycle_instance_no = judged.cycle_instance_no
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on numbered.patient_key = plan.patient_key and numbered.cycle_instance_no = plan.cycle_instance_no
    where judged.is_started
),

permanent as (
    select distinct
        patient_key,
        cycle_instance_no
    from {{ ref('int_infusion__segment') }}
    where end_reason_cd = '12'
),

final as (
    -- The last cycle of all ended for good: the form says stopped early, or a segment was a permanent stop.
    select
        cycle.patient_key,
        case
            when cycle.is_ongoing then null
            else coalesce(cycle.bc_status_cd = '3', false) or permanent.patient_key is not null
        end as any_permanent_stop
    from cycle
    left join permanent
        on cycle.patient_key = permanent.patient_key and cycle.cycle_instance_no = permanent.cycle_instance_no
    where cycle.from_last = 1
),

frontline as (
    select
        cycle.patient_key,
        cycle.end_date,
        cycle.is_complete,
        cycle.stop_reason_cd,
        cycle.n_in_line,
        treatment.plan_blin_cycles,
        progression.progression_date,
        subject.death_date,
        cycle.is_ongoing
        or coalesce(
            period.frontline_end_reason_cd = 'CUT'
            and subject.data_cut_date <= {{ add_days('cycle.end_date', parameter('unit_gap_days')) }},
            false
        ) as may_go_on
    from cycle
    inner join {{ ref('int_subject__horizon') }} as subject on cycle.patient_key = subject.patient_key
    left join {{ ref('int_frontline__period') }} as period on cycle.patient_key = period.patient_key
    left join {{ ref('int_frontline__progression') }} as progression on cycle.patient_key = progression.patient_key
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on cycle.patient_key = treatment.patient_key
    where cycle.line_cd = 'FRONTLINE' and cycle.from_last_in_line = 1
),

transplant as (
    select
        frontline.patient_key,
        min(hct.start_date) as hsct_date
    from frontline
    inner join {{ ref('int_therapy__classed') }} as hct
        on
            frontline.patient_key = hct.patient_key
            and hct.treatment_cd = 'HSCT'
            and frontline.end_date <= hct.start_date
    group by frontline.patient_key
),

judged as (
    select
        frontline.*,
        transplant.hsct_date,
        {{ earliest_date(['frontline.progression_date', 'transplant.hsct_date', 'frontline.death_date']) }}
            as next_event_date,
        case
            when frontline.may_go_on then null
            when not frontline.is_complete then true
            when frontline.n_in_line < frontline.plan_blin_cycles then true
            when frontline.is_complete and frontline.n_in_line >= frontline.plan_blin_cycles then false
        end as is_discontinued
    from frontline
    left join transplant on frontline.patient_key = transplant.patient_key
)

select
    final.patient_key,
    final.any_permanent_stop,
    judged.is_discontinued,
    -- The form's reason; else what happened next, a relapse before a transplant before a death of the same day.
    case
        when not coalesce(judged.is_discontinued, false) then null
        when judged.stop_reason_cd is not null then {{ recode('judged.stop_reason_cd', {
            '1': 'CRS', '2': 'NEUROTOXICITY', '3': 'INFECTION', '4': 'OTHER_TOXICITY', '5': 'RELAPSE', '6': 'DEATH',
            '7': 'HSCT', '8': 'DEVICE_LOGISTICS', '9': 'INSURANCE', '10': 'PATIENT_CHOICE', '11': 'PHYSICIAN_CHOICE',
        }, 'OTHER') }}
        when judged.next_event_date = judged.progression_date then 'RELAPSE'
        when judged.next_event_date = judged.hsct_date then 'HSCT'
        when judged.next_event_date = judged.death_date then 'DEATH'
        else 'NOT_RECORDED'
    end as discontinuation_reason_cd
from final
left join judged on final.patient_key = judged.patient_key
