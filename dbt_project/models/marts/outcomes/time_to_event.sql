with doubtful as (
    -- What makes the order of a patient's events doubtful: therapy before diagnosis (D02), a contact after death (D03).
    select patient_key
    from {{ ref('check_d02_therapy_before_diagnosis') }}
    where is_violated and check_id = 'D02'
    union
    select patient_key
    from {{ ref('check_d03_event_after_death') }}
    where is_violated
),

described as (
    select
        timed.*,
        endpoint.param_label,
        endpoint.censor_outcome_cd as endpoint_censor_cd,
        doubtful.patient_key is not null or timed.has_event_before_origin as has_date_conflict,
        horizon.withdraw_date is not null as is_withdrawn,
        evidence.consent_status_cd,
        {{ recode('timed.censor_cd', {
            'CONTACT': 'Last known alive', 'EVALUATION': 'Last disease evaluation', 'MRD': 'Last MRD result',
        }) }} as known_desc,
        {{ recode('timed.censor_cd', {
            'CONTACT': 'No contact after time zero',
            'EVALUATION': 'No disease evaluation after time zero',
            'MRD': 'No MRD result after time zero',
        }) }} as unknown_desc,
        {{ days_between('timed.start_date', 'evidence.reg_date') }}
            as entry_days
    from {{ ref('int_tte__timed') }} as timed
    inner join {{ ref('time_to_event_parameter') }} as endpoint on timed.param_cd = endpoint.param_cd
    inner join {{ ref('int_subject__horizon') }} as horizon on timed.patient_key = horizon.patient_key
    inner join {{ ref('int_eligibility__evidence') }} as evidence on timed.patient_key = evidence.patient_key
    left join doubtful on timed.patient_key = doubtful.patient_key
)

select
    patient_key,
    site_id,
    {{ parameter('study') }} as study_id,
    param_cd,
    param_label,
    origin_cd as origin_role,
    start_date,
    adt,
    adt_dtf,
    cast(time_days as integer) as aval_days,
    time_days / {{ parameter('days_per_month') }} as aval_months,
    cast(cnsr as integer) as cnsr,
    cast(event_code as integer) as event_code,
    event_desc as evnt_desc,
    case
        when cnsr = 1 and is_withdrawn then known_desc || ' before withdrawal of consent'
        when cnsr = 1 then known_desc
        when cnsr = 3 then unknown_desc
        when cnsr = 4 then {{ recode('endpoint_censor_cd', {
            'HSCT': 'Transplant', 'TRIAL_BLIN': 'Blinatumomab inside a trial',
        }) }}
    end as cnsr_desc,
    source_form as src_form,
    source_field as src_var,
    cast(source_instance_no as integer) as src_instance,
    -- Bounds are never negative: a time does not run backwards, whatever the partial dates allow.
    cast(case when shortest_days < 0 then 0 else shortest_days end as integer) as aval_lo_days,
    cast(case when longest_days < 0 then 0 else longest_days end as integer) as aval_hi_days,
    has_date_conflict,
    population_cd,
    -- Delayed entry: those who signed (path A) come under observation on their day of registration; the deceased
    -- path never does.
    cast(
        case
            when consent_status_cd not in ('1', '2', '6') then null
            when entry_days < 0 then 0
            else entry_days
        end as integer
    ) as delayed_entry_day,
    {{ rule_version() }} as rule_version
from described
