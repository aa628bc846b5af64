-- D15, warn: CRS or ICANS without an ASTCT grade; an event of grade 5 in a patient not recorded as dead.
with event as (
    select
        form.patient_key,
        form.site_id,
        form.instance_no,
        form.ae_term_cd,
        coalesce(form.ae_crs_astct_cd, '9') = '9' as is_crs_ungraded,
        coalesce(form.ae_icans_cd, '9') = '9' as is_icans_ungraded,
        form.ae_ctcae_cd,
        coalesce(death.dth_dead_cd = '1', false) as is_dead
    from {{ ref('stg_redcap__adverse_event') }} as form
    inner join {{ ref('int_subject__recorded') }} as subject
        on form.patient_key = subject.patient_key and subject.is_patient
    left join {{ ref('stg_redcap__death') }} as death on form.patient_key = death.patient_key
)

select
    {{ check_columns('D15', 'adverse_event', 'ae_crs_astct', 'is_crs_ungraded', instance_no='instance_no') }}
from event
where ae_term_cd = '1'
union all
select
    {{ check_columns('D15', 'adverse_event', 'ae_icans', 'is_icans_ungraded', instance_no='instance_no') }}
from event
where ae_term_cd = '2'
union all
select
    {{ check_columns('D15', 'adverse_event', 'ae_ctcae', 'not is_dead', instance_no='instance_no') }}
from event
where ae_ctcae_cd = '5'
