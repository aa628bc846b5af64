with landmark as (
    {%- for days in var('landmark_days', registry_parameters()['landmark_days']) %}
    select {{ days }} as landmark_day
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

remission as (
    select
        patient_key,
        site_id,
        param_cd,
        start_date,
        aval_days,
        cnsr,
        event_code,
        delayed_entry_day
    from {{ ref('time_to_event') }}
    where param_cd in ('OSCR', 'RFS')
),

paired as (
    -- Relapse-free and alive by the endpoint RFS, for both endpoints.
    select
        own.*,
        landmark.landmark_day,
        {{ add_days('own.start_date', 'landmark.landmark_day') }} as landmark_date,
        relapse_free.event_code = 1 and relapse_free.aval_days <= landmark.landmark_day as is_over,
        relapse_free.aval_days as remission_known_days
    from remission as own
    inner join remission as relapse_free
        on own.patient_key = relapse_free.patient_key and relapse_free.param_cd = 'RFS'
    cross join landmark
),

exposed as (
    -- The landmark's own day is included; what comes later never informs the group.
    select
        paired.patient_key,
        paired.param_cd,
        paired.landmark_day,
        count(blin_cycle.patient_key) as n_cycles
    from paired
    left join {{ ref('int_tte__cycle') }} as blin_cycle
        on paired.patient_key = blin_cycle.patient_key and paired.landmark_date >= blin_cycle.cycle_start_date
    group by paired.patient_key, paired.param_cd, paired.landmark_day
),

judged as (
    select
        paired.*,
        exposed.n_cycles,
        case
            when paired.is_over then 'RELAPSE_OR_DEATH_BEFORE'
            when paired.aval_days <= paired.landmark_day then 'CENSORED_BEFORE'
            -- Alive, but nobody has looked at the disease beyond the landmark.
            when paired.remission_known_days <= paired.landmark_day then 'REMISSION_NOT_KNOWN'
        end as not_at_risk_reason_cd
    from paired
    inner join exposed
        on
            paired.patient_key = exposed.patient_key
            and paired.param_cd = exposed.param_cd
            and paired.landmark_day = exposed.landmark_day
)

select
    patient_key,
    site_id,
    param_cd,
    cast(landmark_day as integer) as landmark_day,
    not_at_risk_reason_cd is null as at_risk,
    not_at_risk_reason_cd,
    n_cycles > 0 as exposed_by_landmark,
    cast(n_cycles as integer) as cycles_by_landmark,
    cast(case when not_at_risk_reason_cd is null then aval_days - landmark_day end as integer)
        as aval_from_landmark_days,
    cast(case when not_at_risk_reason_cd is null then cnsr end as integer) as cnsr,
    cast(case when not_at_risk_reason_cd is null then event_code end as integer) as event_code,
    -- Under observation at the landmark already: 0. Null outside the delayed-entry set.
    cast(
        case
            when not_at_risk_reason_cd is not null or delayed_entry_day is null then null
            when delayed_entry_day > landmark_day then delayed_entry_day - landmark_day
            else 0
        end as integer
    ) as delayed_entry_from_landmark_days,
    {{ rule_version() }} as rule_version
from judged
