-- Grain: one row per kept record: first dates and last words that the subject table shows beside its own.
with hsct as (
    select
        patient_key,
        min(row_date) as first_hsct_date
    from {{ ref('int_form_row__checked') }}
    where form = 'hct' and reason_cd is null
    group by patient_key
),

relapse as (
    -- Kinds 1 to 4; MRD recurrence alone (5) is no relapse.
    select
        dated.patient_key,
        min(dated.resolved_date) as first_relapse_date
    from {{ ref('int_dates__resolved') }} as dated
    inner join {{ ref('stg_redcap__relapse') }} as form
        on dated.patient_key = form.patient_key and dated.instance_no = form.instance_no
    where dated.date_role = 'RELAPSE' and dated.is_counted and form.rl_kind_cd in ('1', '2', '3', '4')
    group by dated.patient_key
),

lost as (
    select distinct patient_key
    from {{ ref('int_followup__kept') }}
    where is_lost
)

select
    horizon.patient_key,
    hsct.first_hsct_date,
    relapse.first_relapse_date,
    case when horizon.death_date is not null then death.dth_cause_cd end as death_cause_cd,
    case
        when horizon.death_date is not null then 'DIED'
        when subject.consent_status_cd = '6' then 'WITHDRAWN'
        when lost.patient_key is not null then 'LOST'
        else 'ONGOING'
    end as eos_status_cd
from {{ ref('int_subject__horizon') }} as horizon
inner join {{ ref('int_subject__recorded') }} as subject on horizon.patient_key = subject.patient_key
left join {{ ref('stg_redcap__death') }} as death on horizon.patient_key = death.patient_key
left join hsct on horizon.patient_key = hsct.patient_key
left join relapse on horizon.patient_key = relapse.patient_key
left join lost on horizon.patient_key = lost.patient_key
