-- Q09, error: a course or cycle was stopped by death, or an adverse event was fatal, and the death form does not say
-- that the patient has died. The patient counts as alive until it does.
with told as (
    select
        patient_key,
        'treatment_course' as form,
        instance_no,
        'tc_stop_reason' as field_name,
        tc_stop_reason_cd = '3' as is_fatal
    from {{ ref('stg_redcap__treatment_course') }}
    where tc_stop_reason_cd is not null
    union all
    select
        patient_key,
        'blin_cycle' as form,
        instance_no,
        'bc_stop_reason' as field_name,
        bc_stop_reason_cd = '6' as is_fatal
    from {{ ref('stg_redcap__blin_cycle') }}
    where bc_stop_reason_cd is not null
    union all
    select
        patient_key,
        'adverse_event' as form,
        instance_no,
        'ae_outcome' as field_name,
        ae_outcome_cd = '4' as is_fatal
    from {{ ref('stg_redcap__adverse_event') }}
    where ae_outcome_cd is not null
)

select
    'Q09' as check_id,
    told.patient_key,
    subject.site_id,
    told.form,
    told.instance_no,
    told.field_name,
    told.is_fatal and coalesce(death.dth_dead_cd, '') <> '1' as is_violated
from told
inner join {{ ref('int_subject__recorded') }} as subject
    on told.patient_key = subject.patient_key and subject.is_patient
left join {{ ref('stg_redcap__death') }} as death on told.patient_key = death.patient_key
