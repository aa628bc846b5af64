-- Grain: one row per kept record: for each criterion one code, MET or the reason why it is not met (N:) or
-- undecided (U:). One column per criterion, in the protocol's words; the first line that holds decides.
with diagnosed as (
    select
        *,
        -- A date of diagnosis that cannot be right gives no age either.
        case when not coalesce(has_dx_fault, false) then dx_lo end as sound_dx_lo,
        case when not coalesce(has_dx_fault, false) then dx_hi end as sound_dx_hi
    from {{ ref('int_eligibility__evidence') }}
),

aged as (
    select
        *,
        -- Age entered by the site; else completed years from the birth date at both ends of the diagnosis interval.
        coalesce(age_dx, {{ completed_years('birth_date', 'sound_dx_lo') }}) as age_lo,
        coalesce(age_dx, {{ completed_years('birth_date', 'sound_dx_hi') }}) as age_hi,
        -- At registration: from the birth date, else the age at diagnosis and the time since; that is shortest from
        -- the last day that the diagnosis can mean.
        coalesce(
            {{ completed_years('birth_date', 'reg_date') }},
            age_dx + case
                when sound_dx_hi < reg_date then {{ days_between('sound_dx_hi', 'reg_date') }}
                when sound_dx_hi >= reg_date then 0
            end / {{ parameter('days_per_year') }}
        ) as registration_age_lo,
        coalesce(
            {{ completed_years('birth_date', 'reg_date') }},
            age_dx
            + {{ days_between('sound_dx_lo', 'reg_date') }}
            / {{ parameter('days_per_year') }}
        ) as registration_age_hi
    from diagnosed
),

referred as (
    select
        *,
        {% if parameter('age_reference') == "'registration'" %}registration_age_lo{% else %}age_lo{% endif %} as reference_age_lo,
        {% if parameter('age_reference') == "'registration'" %}registration_age_hi{% else %}age_hi{% endif %} as reference_age_hi
    from aged
)

select
    patient_key,
    site_id,
    case screen_note_cd
        when '2' then 'N:E0_DUPLICATE'
        when '3' then 'N:E0_ENTERED_IN_ERROR'
        else 'MET'
    end as e0,
    case
        when reference_age_lo >= {{ parameter('age_min') }} then 'MET'
        when reference_age_hi < {{ parameter('age_min') }} and registration_age_lo >= {{ parameter('age_min') }}
            then 'N:E1_ADULT_AT_REGISTRATION_ONLY'
        when reference_age_hi < {{ parameter('age_min') }} then 'N:E1_UNDER_AGE'
        when reference_age_lo is null and has_dx_fault and birth_date is not null then 'U:E1_DATE_FAULT'
        when reference_age_lo is null then 'U:E1_AGE_MISSING'
        else 'U:E1_DATE_STRADDLES'
    end as e1,
    case elig_ball_cd
        when '1' then 'MET'
        when '0' then 'N:E2_NOT_B_ALL'
        else 'U:E2_NOT_CONFIRMED'
    end as e2,
    case
        when dx_lo is null then 'U:E3_DATE_MISSING'
        when has_dx_fault then 'U:E3_DATE_FAULT'
        when dx_lo >= {{ date_parameter('dx_cutoff') }} then 'MET'
        when dx_hi < {{ date_parameter('dx_cutoff') }} then 'N:E3_BEFORE_CUTOFF'
        else 'U:E3_DATE_STRADDLES'
    end as e3,
    case
        when blin_in_trial_cd = '0' then 'MET'
        when coalesce(blin_in_trial_cd, '9') = '9' then 'U:E4_NOT_KNOWN'
        when blin_trial_start is null then 'N:E4_TRIAL_DATE_MISSING'
        when has_trial_fault then 'U:E4_DATE_FAULT'
        when reg_date is null then 'U:E4_REGISTRATION_DATE_MISSING'
        when blin_trial_start > reg_date then 'MET'
        else 'N:E4_TRIAL_BLINATUMOMAB'
    end as e4,
    case
        when consent_status_cd = '5' then 'N:E5_DECLINED'
        when consent_status_cd is null then 'U:E5_MISSING'
        when consent_status_cd = '4' then 'U:E5_CONSENT_PENDING'
        when consent_status_cd = '3' and vital_entry_cd = '1' then 'U:E5_CONFLICT'
        when consent_status_cd <> '3' and consent_date is null then 'U:E5_DATE_MISSING'
        when consent_status_cd <> '3' and is_consent_after_cut then 'U:E5_DATE_FAULT'
        when consent_status_cd <> '3' and death_hi < consent_date then 'U:E5_DIED_BEFORE_CONSENT'
        -- The deceased path: dead at entry, by a date of death not after registration. D05 finds fault with each of
        -- these too; the site is told which.
        when consent_status_cd = '3' and coalesce(vital_entry_cd, '9') <> '2' then 'U:E5_VITAL_STATUS_UNKNOWN'
        when consent_status_cd = '3' and death_lo is null then 'U:E5_DEATH_DATE_MISSING'
        when consent_status_cd = '3' and reg_date is null then 'U:E5_REGISTRATION_DATE_MISSING'
        when consent_status_cd = '3' and death_lo > reg_date then 'U:E5_DEATH_AFTER_REGISTRATION'
        when has_consent_or_death_fault then 'U:E5_DATE_FAULT'
        else 'MET'
    end as e5,
    case when hold_cd is null then 'MET' else 'U:E6_' || hold_cd end as e6,
    -- The age that decides, from the earliest to the latest day that the diagnosis can mean.
    reference_age_lo,
    reference_age_hi
from referred
