{%- set kinds = toxicity_kinds() -%}
with kind as (
    {%- for name in kinds %}
    select '{{ name }}' as tox_cd
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

followed as (
    -- Under observation for a kind of event: from the start to its days after the end, the next cycle or the last
    -- day; to the last day while the cycle has not ended.
    select
        blin_cycle.patient_key,
        blin_cycle.site_id,
        blin_cycle.cycle_overall_no,
        blin_cycle.cycle_instance_no,
        blin_cycle.line_cd,
        blin_cycle.start_date,
        blin_cycle.pull_id,
        kind.tox_cd,
        measured.delivered_days,
        horizon.followed_through_date,
        horizon.followed_end_cd,
        case
            when not coalesce(blin_cycle.is_ongoing, false)
                then {{ add_days(
                    'coalesce(blin_cycle.end_date, '
                    ~ add_days('blin_cycle.start_date', 'blin_cycle.planned_days') ~ ')',
                    toxicity_window('kind.tox_cd')
                ) }}
        end as window_end_date,
        lead(blin_cycle.start_date) over (
            partition by blin_cycle.patient_key, kind.tox_cd order by blin_cycle.cycle_overall_no
        ) as next_start_date
    from {{ ref('int_blin_cycle__started') }} as blin_cycle
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            blin_cycle.patient_key = measured.patient_key
            and blin_cycle.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_subject__horizon') }} as horizon on blin_cycle.patient_key = horizon.patient_key
    cross join kind
),

ended as (
    select
        *,
        {{ earliest_date([
            'window_end_date', 'followed_through_date', add_days('next_start_date', -1),
        ]) }} as risk_end_date
    from followed
),

event as (
    -- Numerator and time at risk end on one day: an event after it (after the death, finding D03) counts in neither.
    select
        placed.patient_key,
        placed.cycle_instance_no,
        toxicity.tox_cd,
        count(*) as n_events,
        sum(case when toxicity.grading_cd = 'UNKNOWN' then 1 else 0 end) as n_grade_unknown,
        max(toxicity.grade_astct) as max_grade_astct,
        max(toxicity.grade_ctcae) as max_grade_ctcae,
        min(toxicity.onset_date) as first_onset_date
    from {{ ref('toxicity') }} as toxicity
    inner join {{ ref('int_toxicity__cycle') }} as placed
        on toxicity.patient_key = placed.patient_key and toxicity.instance_no = placed.instance_no
    inner join ended
        on
            placed.patient_key = ended.patient_key
            and placed.cycle_instance_no = ended.cycle_instance_no
            and toxicity.tox_cd = ended.tox_cd
            and toxicity.onset_date <= ended.risk_end_date
    group by placed.patient_key, placed.cycle_instance_no, toxicity.tox_cd
)

select
    ended.patient_key,
    ended.site_id,
    cast(ended.cycle_overall_no as integer) as cycle_overall_no,
    ended.tox_cd,
    ended.line_cd,
    1 as n_at_risk,
    cast(coalesce(event.n_events, 0) as integer) as n_events,
    coalesce(event.n_events, 0) > 0 as has_event,
    cast(coalesce(event.n_grade_unknown, 0) as integer) as n_grade_unknown,
    event.max_grade_astct,
    event.max_grade_ctcae,
    ended.start_date as risk_start_date,
    ended.risk_end_date,
    cast(
        case
            when ended.risk_end_date < ended.start_date then 0
            else
                {{ days_between('ended.start_date', 'ended.risk_end_date') }}
                + 1
        end as integer
    ) as at_risk_days,
    ended.followed_end_cd = 'CUT' and ended.risk_end_date = ended.followed_through_date as is_risk_open,
    event.first_onset_date,
    ended.delivered_days as infused_days,
    'blin_cycle' as source_form,
    ended.pull_id,
    {{ rule_version() }} as rule_version
from ended
left join event
    on
        ended.patient_key = event.patient_key
        and ended.cycle_instance_no = event.cycle_instance_no
        and ended.tox_cd = event.tox_cd
