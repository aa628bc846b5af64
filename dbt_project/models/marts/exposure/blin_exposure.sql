-- Only sums of a patient's started cycles; what is unknown of one cycle is unknown of the patient.
{%- set contexts = [
    'BRIDGING', 'CR_MRD_UNKNOWN', 'INDUCTION', 'MAINTENANCE', 'MRD_NEG_CONSOL', 'MRD_POS', 'POST_HSCT',
    'RELAPSED_REFRACTORY', 'UNKNOWN',
] %}
with cycle as (
    select
        started.*,
        measured.infused_s,
        measured.delivered_mcg_day_s,
        spacing.cycle_length_d
    from {{ ref('blin_cycle_exposure') }} as started
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            started.patient_key = measured.patient_key
            and started.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_blin_cycle__timing') }} as spacing
        on
            started.patient_key = spacing.patient_key
            and started.cycle_instance_no = spacing.cycle_instance_no
    where started.started
),

ranked as (
    select
        *,
        row_number() over (partition by patient_key order by cycle_overall_no desc) as from_last
    from cycle
),

summed as (
    select
        patient_key,
        site_id,
        count(*) as n_cycles,
        count(completed) as n_judged,
        sum(case when completed then 1 else 0 end) as n_completed,
        sum(case when completed_80 then 1 else 0 end) as n_completed_80,
        sum(case when line_cd = 'FRONTLINE' then 1 else 0 end) as n_frontline,
        sum(case when is_in_cr1 then 1 else 0 end) as n_in_cr1,
        sum(case when has_home then 1 else 0 end) as n_home,
        count(label_cycles) as n_label_known,
        sum(label_cycles) as label_cycles,
        min(cycle_start_date) as first_start_date,
        max(cycle_start_date) as last_start_date,
        max(case when from_last = 1 then cycle_end_date end) as last_end_date,
        max(case when is_open then 1 else 0 end) = 1 as is_open,
        count(delivered_days) as n_days_known,
        {{ in_days('sum(infused_s)') }} as delivered_days,
        count(delivered_mcg) as n_mcg_known,
        {{ in_mcg('sum(delivered_mcg_day_s)') }} as delivered_mcg,
        count(planned_mcg) as n_planned_known,
        {{ exact_sum('planned_mcg') }} as planned_mcg,
        count(dose_completeness_frac) as n_completeness_known,
        sum(cycle_length_d) as planned_length_d,
        max(case when from_last = 1 then cycle_length_d end) as last_length_d,
        count(distinct block_no) as n_blocks,
        {%- for gap in ['4h', '24h', '14d'] %}
        max(case when n_interrupt_{{ gap }} > 0 then 1 else 0 end) as has_interrupt_{{ gap }},
        count(n_interrupt_{{ gap }}) as n_known_{{ gap }},
        {%- endfor %}
        max(case granularity_cd when 'CYCLE_ONLY' then 2 when 'DATE_ONLY' then 1 else 0 end) as granularity_rank,
        max(pull_id) as pull_id
    from ranked
    group by patient_key, site_id
),

named as (
    select
        patient_key,
        {%- for code in contexts %}
        max(case when context_cd = '{{ code }}' then '+{{ code }}' else '' end)
        {%- if loop.last %} as contexts{% else %} || {% endif %}
        {%- endfor %}
    from cycle
    group by patient_key
)

select
    summed.patient_key,
    summed.site_id,
    cast(summed.n_cycles as integer) as n_cycles_started,
    cast(summed.n_completed as integer) as n_cycles_completed,
    cast(summed.n_completed_80 as integer) as n_cycles_completed_80,
    cast(summed.n_cycles - summed.n_judged as integer) as n_cycles_not_evaluable,
    cast(summed.n_days_known as integer) as n_cycles_measured,
    cast(summed.n_frontline as integer) as n_cycles_frontline,
    cast(summed.n_in_cr1 as integer) as n_cycles_in_cr1,
    cast(summed.n_home as integer) as n_cycles_home,
    cast(case when summed.n_label_known = summed.n_cycles then summed.label_cycles end as integer) as label_cycles,
    summed.first_start_date as first_cycle_start_date,
    summed.last_start_date as last_cycle_start_date,
    summed.last_end_date as last_cycle_end_date,
    summed.is_open,
    case when summed.n_days_known = summed.n_cycles then {{ settled('summed.delivered_days') }} end
        as total_delivered_days,
    case when summed.n_mcg_known = summed.n_cycles then {{ settled('summed.delivered_mcg') }} end
        as total_delivered_mcg,
    case when summed.n_planned_known = summed.n_cycles then summed.planned_mcg end as total_planned_mcg,
    case
        when summed.n_completeness_known = summed.n_cycles
            then {{ settled('summed.delivered_mcg / summed.planned_mcg') }}
    end as overall_dose_completeness_frac,
    cast(summed.n_blocks as integer) as n_blocks,
    -- One block of several cycles that has ended: dose given over dose planned, times planned over actual time.
    case
        when summed.n_completeness_known = summed.n_cycles and summed.n_blocks = 1 and summed.n_cycles > 1
            then
                {{ settled('summed.delivered_mcg / summed.planned_mcg * summed.planned_length_d / ('
                    ~ days_between('summed.first_start_date', 'summed.last_start_date')
                    ~ ' + summed.last_length_d)') }}
    end as overall_rdi_frac,
    cast(
        {{ days_between('diagnosis.resolved_date', 'summed.first_start_date') }}
        as integer
    ) as days_dx_to_first,
    cast(
        {{ days_between('period.plan_date', 'summed.first_start_date') }}
        as integer
    ) as days_plan_to_first,
    cast(
        {{ days_between('response.cr1_date', 'summed.first_start_date') }}
        as integer
    ) as days_cr1_to_first,
    case when named.contexts <> '' then substring(named.contexts, 2) end as contexts,
    summed.n_in_cr1 >= {{ parameter('blin_cycles_full') }} as reached_4_cycles_cr1,
    {%- for gap in ['4h', '24h', '14d'] %}
    case
        when summed.has_interrupt_{{ gap }} = 1 then true
        when summed.n_known_{{ gap }} = summed.n_cycles then false
    end as any_interrupt_{{ gap }},
    {%- endfor %}
    stopped.any_permanent_stop,
    stopped.is_discontinued,
    stopped.discontinuation_reason_cd,
    therapy.schedule_cd,
    case summed.granularity_rank when 2 then 'CYCLE_ONLY' when 1 then 'DATE_ONLY' else 'DATETIME' end
        as granularity_worst_cd,
    'blin_cycle' as source_form,
    summed.pull_id,
    {{ rule_version() }} as rule_version
from summed
inner join {{ ref('int_blin_patient__stopped') }} as stopped on summed.patient_key = stopped.patient_key
left join {{ ref('regimen_sequence') }} as therapy on summed.patient_key = therapy.patient_key
left join named on summed.patient_key = named.patient_key
left join {{ ref('int_frontline__period') }} as period on summed.patient_key = period.patient_key
left join {{ ref('int_response__frontline') }} as response on summed.patient_key = response.patient_key
left join {{ ref('int_dates__resolved') }} as diagnosis
    on summed.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
