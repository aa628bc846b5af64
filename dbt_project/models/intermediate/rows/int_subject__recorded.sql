-- Grain: one row per record that may be kept. A withdrawal with scope "remove all data" leaves no row here, hence
-- none downstream.
with joined as (
    select
        record.patient_key,
        record.site_id,
        record.pull_id,
        site.time_zone,
        pull.data_cut_date,
        -- Infusion times of a site without a zone are read on the clock as it stands; so is the cut.
        case
            when site.time_zone is null then {{ start_of_day(add_days('pull.data_cut_date', 1)) }}
            else pull.data_cut_utc
        end as data_cut_clock,
        registration.screen_note_code_cd as screen_note_cd,
        registration.consent_status_cd,
        registration.withdraw_scope_cd,
        registration.withdraw_date as entered_withdraw_date,
        -- Why a withdrawal cannot be applied: what it covers, or from which day, is not known.
        case
            when coalesce(registration.consent_status_cd, '') <> '6' then null
            when registration.withdraw_scope_cd is null then 'SCOPE_MISSING'
            when registration.withdraw_date is null then 'DATE_MISSING'
            when
                registration.withdraw_date < registration.consent_date
                or registration.withdraw_date < date '1900-01-01'
                then 'DATE_FAULT'
        end as hold_cd
    from {{ ref('stg_redcap__record') }} as record
    cross join {{ ref('stg_redcap__pull') }} as pull
    left join {{ ref('stg_redcap__registration') }} as registration on record.patient_key = registration.patient_key
    left join {{ ref('stg_redcap__site') }} as site on record.site_id = site.site_id
),

withdrawn as (
    select
        *,
        case when consent_status_cd = '6' and withdraw_scope_cd = '1' and hold_cd is null then entered_withdraw_date end
            as withdraw_date
    from joined
)

select
    patient_key,
    site_id,
    time_zone,
    consent_status_cd,
    screen_note_cd,
    -- Codes 2 and 3: the site says that the record is a duplicate or was entered in error.
    coalesce(screen_note_cd, '0') not in ('2', '3') as is_patient,
    hold_cd is not null as is_held,
    hold_cd,
    withdraw_date,
    data_cut_date,
    data_cut_clock,
    -- Last day whose rows count: the cut, or the withdrawal if earlier.
    case when withdraw_date < data_cut_date then withdraw_date else data_cut_date end as counted_through_date,
    pull_id
from withdrawn
where not (coalesce(consent_status_cd, '') = '6' and coalesce(withdraw_scope_cd, '') = '2')
