-- Grain: one row per kept record: for each criterion what its rule looked at, as it was entered, name=value. Dates and
-- codes of one patient: for whoever must mend the record, never released.
with used as (
    select
        reason.patient_key,
        evidence.screen_note_cd,
        evidence.elig_ball_cd,
        evidence.blin_in_trial_cd,
        evidence.blin_trial_start,
        evidence.consent_status_cd,
        evidence.consent_date,
        evidence.vital_entry_cd,
        evidence.reg_date,
        evidence.hold_cd,
        evidence.withdraw_date,
        cast(reason.reference_age_lo as decimal(6, 1)) as age_lo,
        cast(reason.reference_age_hi as decimal(6, 1)) as age_hi,
        {{ stated_interval('evidence.dx_lo', 'evidence.dx_hi') }} as dx_interval,
        {{ stated_interval('evidence.death_lo', 'evidence.death_hi') }} as death_interval
    from {{ ref('int_eligibility__reason') }} as reason
    inner join {{ ref('int_eligibility__evidence') }} as evidence on reason.patient_key = evidence.patient_key
)

select
    patient_key,
    {{ stated_values({'screen_note_code': 'screen_note_cd'}) }} as e0,
    {{ stated_values({'age_years': stated_interval('age_lo', 'age_hi')}) }} as e1,
    {{ stated_values({'elig_ball': 'elig_ball_cd'}) }} as e2,
    {{ stated_values({'dx_date': 'dx_interval'}) }} as e3,
    -- The dates decide only of those treated in a trial.
    {{ stated_values({
        'blin_in_trial': 'blin_in_trial_cd',
        'blin_trial_start': "case when blin_in_trial_cd = '1' then blin_trial_start end",
        'reg_date': "case when blin_in_trial_cd = '1' then reg_date end",
    }) }} as e4,
    -- Signed consent stands on its date, the deceased path on the date of death at registration.
    {{ stated_values({
        'consent_status': 'consent_status_cd',
        'consent_date': "case when consent_status_cd in ('1', '2', '6') then consent_date end",
        'vital_entry': "case when consent_status_cd = '3' then vital_entry_cd end",
        'dth_date': "case when consent_status_cd in ('1', '2', '3', '6') then death_interval end",
        'reg_date': "case when consent_status_cd = '3' then reg_date end",
    }) }} as e5,
    {{ stated_values({
        'consent_status': 'consent_status_cd',
        'withdraw_scope': "case when consent_status_cd = '6' and coalesce(hold_cd, '') <> 'SCOPE_MISSING' then '1' end",
        'withdraw_date': "case when hold_cd = 'DATE_FAULT' then withdraw_date end",
    }) }} as e6
from used
