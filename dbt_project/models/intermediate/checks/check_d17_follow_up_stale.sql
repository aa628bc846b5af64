-- D17, warn: alive and consented, but no news for more than 120 days on therapy or 200 days off therapy.
-- On therapy: a course without end, a cycle running, or the latest follow-up says so.
with usable_followup as (
    select
        followup.patient_key,
        followup.fu_vital_cd,
        followup.fu_therapy_cd,
        row_number() over (
            partition by followup.patient_key order by followup.fu_date desc, followup.instance_no desc
        ) as recency
    from {{ ref('stg_redcap__followup') }} as followup
    inner join {{ ref('int_form_row__checked') }} as usable
        on
            followup.patient_key = usable.patient_key
            and followup.instance_no = usable.instance_no
            and usable.form = 'followup'
            and usable.reason_cd is null
),

running as (
    select patient_key
    from {{ ref('int_course__kept') }}
    where end_date is null and tc_status_cd = '3'
    union
    select patient_key
    from {{ ref('int_blin_cycle__measured') }}
    where is_running
    union
    select patient_key
    from usable_followup
    where recency = 1 and fu_therapy_cd in ('1', '2', '4')
),

reported_dead as (
    select patient_key
    from {{ ref('stg_redcap__death') }}
    where dth_dead_cd = '1'
    union
    select patient_key
    from usable_followup
    where fu_vital_cd = '2'
),

subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        {{ days_between('contact.last_alive_date', 'recorded.data_cut_date') }}
            as days_without_news,
        running.patient_key is not null as is_on_therapy
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('int_subject__horizon') }} as horizon
        on recorded.patient_key = horizon.patient_key and horizon.followed_end_cd = 'CUT'
    inner join {{ ref('int_contact__last') }} as contact on recorded.patient_key = contact.patient_key
    left join running on recorded.patient_key = running.patient_key
    -- A death reported without a usable date, or by a contact only, is another finding (D04).
    left join reported_dead on recorded.patient_key = reported_dead.patient_key
    where
        recorded.is_patient
        and recorded.consent_status_cd in ('1', '2')
        and reported_dead.patient_key is null
)

select
    {{ check_columns('D17', 'followup', 'fu_date',
        'days_without_news > case when is_on_therapy then ' ~ parameter('stale_on_therapy_days')
        ~ ' else ' ~ parameter('stale_off_therapy_days') ~ ' end') }}
from subject
