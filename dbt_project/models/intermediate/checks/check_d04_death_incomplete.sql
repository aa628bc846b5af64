-- D04, error: dead without a date of death; a date of death without "dead"; a follow-up that says dead, the death
-- form does not.
with subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        death.dth_dead_cd,
        death.dth_date,
        death.patient_key is not null as has_death_form
    from {{ ref('int_subject__recorded') }} as recorded
    left join {{ ref('stg_redcap__death') }} as death on recorded.patient_key = death.patient_key
    where recorded.is_patient
),

contact as (
    select
        subject.patient_key,
        subject.site_id,
        followup.instance_no,
        subject.dth_dead_cd
    from {{ ref('int_followup__kept') }} as followup
    inner join subject on followup.patient_key = subject.patient_key
    where followup.vital_cd = 'DEAD'
)

select {{ check_columns('D04', 'death', 'dth_date', 'dth_date is null') }}
from subject
where dth_dead_cd = '1'
union all
select {{ check_columns('D04', 'death', 'dth_dead', "coalesce(dth_dead_cd, '') <> '1' and dth_date is not null") }}
from subject
where has_death_form
union all
select
    {{ check_columns('D04', 'followup', 'fu_vital', "coalesce(dth_dead_cd, '') <> '1'", instance_no='instance_no') }}
from contact
