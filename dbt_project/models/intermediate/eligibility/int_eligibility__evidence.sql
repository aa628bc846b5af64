-- Grain: one row per kept record: every field that eligibility reads, and whether an error of checks D01 to D05
-- makes it unusable (clinical specification 1, note e: such a criterion is unknown, never met; what fails for
-- another reason still fails).
with finding as (
    {%- for name in check_models()[:5] %}
    select
        check_id,
        patient_key,
        form,
        field_name
    from {{ ref(name) }}
    where is_violated
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

fault as (
    select
        patient_key,
        max(
            case when check_id in ('D01', 'D02', 'D03') and field_name = 'dx_date' then 1 else 0 end
        ) = 1 as has_dx_fault,
        max(case when field_name = 'blin_trial_start' then 1 else 0 end) = 1 as has_trial_fault,
        max(case when field_name = 'reg_date' then 1 else 0 end) = 1 as has_reg_fault,
        max(case when field_name = 'birth_date' then 1 else 0 end) = 1 as has_birth_fault,
        -- Consent, vital status at entry and date of death; a death before the diagnosis makes either date
        -- doubtful.
        max(
            case
                when check_id in ('D04', 'D05') or field_name in ('consent_date', 'dth_date') then 1
                when check_id = 'D03' and field_name = 'dx_date' then 1
                else 0
            end
        ) = 1 as has_consent_or_death_fault
    from finding
    group by patient_key
)

select
    subject.patient_key,
    subject.site_id,
    subject.is_patient,
    subject.is_held,
    subject.hold_cd,
    registration.withdraw_date,
    subject.screen_note_cd,
    registration.elig_ball_cd,
    registration.age_dx,
    registration.blin_in_trial_cd,
    registration.blin_trial_start,
    registration.vital_entry_cd,
    registration.consent_status_cd,
    registration.consent_date,
    registration.consent_date > subject.data_cut_date as is_consent_after_cut,
    case when not coalesce(fault.has_birth_fault, false) then demographics.birth_date end as birth_date,
    case
        when not coalesce(fault.has_reg_fault, false) then registration.reg_date
    end as reg_date,
    diagnosis.earliest_date as dx_lo,
    diagnosis.latest_date as dx_hi,
    death.earliest_date as death_lo,
    death.latest_date as death_hi,
    coalesce(fault.has_dx_fault, false) as has_dx_fault,
    coalesce(fault.has_trial_fault, false) as has_trial_fault,
    coalesce(fault.has_consent_or_death_fault, false) as has_consent_or_death_fault
from {{ ref('int_subject__recorded') }} as subject
left join {{ ref('stg_redcap__registration') }} as registration on subject.patient_key = registration.patient_key
left join {{ ref('stg_redcap__demographics') }} as demographics on subject.patient_key = demographics.patient_key
left join {{ ref('int_dates__bounded') }} as diagnosis
    on subject.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
left join {{ ref('int_dates__bounded') }} as death
    on subject.patient_key = death.patient_key and death.date_role = 'DEATH'
left join fault on subject.patient_key = fault.patient_key
