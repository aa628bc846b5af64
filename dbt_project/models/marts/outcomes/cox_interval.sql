-- sqlfluff:rules:references.keywords:ignore_words:event
with covered as (
    -- What had happened up to and including the day on which the interval opens.
    select
        span.patient_key,
        span.param_cd,
        span.t_start,
        coalesce(sum(case when changed.change_cd = 'BLIN_START' then changed.n_changes end), 0) as n_blin_starts,
        coalesce(
            sum(case when changed.change_cd = 'BLIN_START' then changed.n_first_line end), 0
        ) as n_first_line_starts,
        coalesce(sum(case when changed.change_cd = 'BLIN_STOP' then changed.n_changes end), 0) as n_blin_stops,
        {{ exact_sum("case when changed.change_cd = 'BLIN_STOP' then changed.delivered_days end") }} as blin_days,
        sum(
            case when changed.change_cd = 'BLIN_STOP' and changed.delivered_days is null then 1 else 0 end
        ) as n_unknown,
        max(case when changed.change_cd = 'HSCT' then 1 else 0 end) as hsct_done,
        max(case when changed.change_cd = 'RELAPSE' then 1 else 0 end) as relapsed
    from {{ ref('int_tte__interval') }} as span
    left join {{ ref('int_tte__change') }} as changed
        on span.patient_key = changed.patient_key and span.from_date >= changed.change_date
    group by span.patient_key, span.param_cd, span.t_start
),

unstopped as (
    -- Starts whose stop is not known: after them it is not known whether blinatumomab runs.
    select
        patient_key,
        min(cycle_start_date) as unknown_from_date
    from {{ ref('int_tte__cycle') }}
    where stop_date is null
    group by patient_key
),

complete as (
    select
        span.patient_key,
        span.site_id,
        span.param_cd,
        span.t_start,
        span.t_stop,
        span.event_code,
        case when covered.n_first_line_starts > 0 then 1 else 0 end as blin_exposed,
        case
            when unstopped.unknown_from_date <= span.from_date then null
            when covered.n_blin_starts > covered.n_blin_stops then 1
            else 0
        end as blin_on_treatment,
        covered.n_blin_starts as blin_cycles_started,
        case when covered.n_unknown = 0 then coalesce(covered.blin_days, 0.0) end as blin_days_cum,
        covered.hsct_done,
        covered.relapsed,
        coalesce(mrd.state_cd, 'UNK') as mrd_state_cd,
        coalesce(cast(therapy.state_cd as integer), 1) as line_no,
        coalesce(backbone.state_cd, 'UNK') as backbone_family_cd,
        span.interval_reason
    from {{ ref('int_tte__interval') }} as span
    inner join covered
        on
            span.patient_key = covered.patient_key
            and span.param_cd = covered.param_cd
            and span.t_start = covered.t_start
    left join unstopped on span.patient_key = unstopped.patient_key
    left join {{ ref('int_tte__state') }} as mrd
        on
            span.patient_key = mrd.patient_key
            and mrd.state_kind_cd = 'MRD'
            and span.from_date >= mrd.from_date
            and span.from_date < coalesce(mrd.until_date, date '9999-12-31')
    left join {{ ref('int_tte__state') }} as therapy
        on
            span.patient_key = therapy.patient_key
            and therapy.state_kind_cd = 'LINE'
            and span.from_date >= therapy.from_date
            and span.from_date < coalesce(therapy.until_date, date '9999-12-31')
    left join {{ ref('int_tte__state') }} as backbone
        on
            span.patient_key = backbone.patient_key
            and backbone.state_kind_cd = 'BACKBONE'
            and span.from_date >= backbone.from_date
            and span.from_date < coalesce(backbone.until_date, date '9999-12-31')
),

variant as (
    select
        complete.*,
        false as is_left_truncated,
        complete.t_start as at_risk_from,
        complete.interval_reason as reason_cd
    from complete
    union all
    -- Delayed entry: no time at risk before the patient came under observation.
    select
        complete.*,
        true as is_left_truncated,
        case
            when timed.delayed_entry_day > complete.t_start then cast(timed.delayed_entry_day as double)
            else complete.t_start
        end as at_risk_from,
        case
            when timed.delayed_entry_day > complete.t_start then 'DELAYED_ENTRY' else complete.interval_reason
        end as reason_cd
    from complete
    inner join {{ ref('time_to_event') }} as timed
        on
            complete.patient_key = timed.patient_key
            and complete.param_cd = timed.param_cd
            and complete.t_stop > timed.delayed_entry_day
)

select
    patient_key,
    site_id,
    param_cd,
    is_left_truncated,
    at_risk_from as t_start,
    t_stop,
    cast(case when event_code = 1 then 1 else 0 end as integer) as event,
    cast(event_code as integer) as event_code,
    cast(blin_exposed as integer) as blin_exposed,
    cast(blin_on_treatment as integer) as blin_on_treatment,
    cast(blin_cycles_started as integer) as blin_cycles_started,
    blin_days_cum,
    cast(hsct_done as integer) as hsct_done,
    cast(relapsed as integer) as relapsed,
    mrd_state_cd,
    cast(line_no as integer) as line_no,
    backbone_family_cd,
    reason_cd as interval_reason,
    {{ rule_version() }} as rule_version
from variant
