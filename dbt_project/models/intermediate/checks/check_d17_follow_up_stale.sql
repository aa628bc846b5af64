-- D17, warn: alive and consented, but no news for more than 120 days on therapy or 200 days off therapy.
-- On therapy: a course that runs on, a cycle running or paused, or the latest follow-up says so. Who was never seen
-- alive by a dated contact has been without news since the registration.
with contact as (
    select
        patient_key,
        vital_cd,
        therapy_cd,
        row_number() over (partition by patient_key order by contact_date desc, instance_no desc) as recency
    from {{ ref('int_followup__kept') }}
),

running as (
    select patient_key
    from {{ ref('int_course__kept') }}
    where is_running
    union
    select patient_key
    from {{ ref('int_blin_cycle__judged') }}
    where is_ongoing
    union
    select patient_key
    from contact
    where recency = 1 and therapy_cd in ('CONSOLIDATION', 'MAINTENANCE', 'SALVAGE')
),

reported_dead as (
    select patient_key
    from {{ ref('stg_redcap__death') }}
    where dth_dead_cd = '1'
    union
    select patient_key
    from contact
    where vital_cd = 'DEAD'
),

subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        {{ days_between('coalesce(last_contact.last_alive_date, registration.reg_date)', 'recorded.data_cut_date') }}
            as days_without_news,
        running.patient_key is not null as is_on_therapy
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('int_subject__horizon') }} as horizon
        on recorded.patient_key = horizon.patient_key and horizon.followed_end_cd = 'CUT'
    inner join {{ ref('stg_redcap__registration') }} as registration on recorded.patient_key = registration.patient_key
    left join {{ ref('int_contact__last') }} as last_contact on recorded.patient_key = last_contact.patient_key
    left join running on recorded.patient_key = running.patient_key
    -- A death reported without a usable date, at entry or by a contact only, is another finding (D04, D05).
    left join reported_dead on recorded.patient_key = reported_dead.patient_key
    where
        recorded.is_patient
        and recorded.consent_status_cd in ('1', '2')
        and coalesce(registration.vital_entry_cd, '') <> '2'
        and reported_dead.patient_key is null
)

select
    {{ check_columns('D17', 'followup', 'fu_date',
        'days_without_news > case when is_on_therapy then ' ~ parameter('stale_on_therapy_days')
        ~ ' else ' ~ parameter('stale_off_therapy_days') ~ ' end') }}
from subject
