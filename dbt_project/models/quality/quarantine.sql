with set_aside as (
    select
        form,
        patient_key,
        site_id,
        instance_no,
        reason_cd,
        kept_instance_no
    from {{ ref('int_row__set_aside') }}
    union all
    select
        refused.form,
        refused.patient_key,
        refused.site_id,
        refused.instance_no,
        refused.reason_cd,
        cast(null as integer) as kept_instance_no
    from {{ ref('stg_redcap__quarantine') }} as refused
    inner join {{ ref('int_subject__recorded') }} as subject on refused.patient_key = subject.patient_key
)

select
    case form
        when 'blin_segment' then 'infusion_segment'
        when 'blin_cycle' then 'infusion_cycle'
        else form
    end as entity,
    patient_key,
    site_id,
    form,
    instance_no,
    reason_cd,
    kept_instance_no,
    case
        when reason_cd in ('EMPTY_ROW', 'INF_EMPTY_ROW', 'CYC_EMPTY_ROW', 'INF_EXACT_DUPLICATE', 'CYC_EXACT_DUPLICATE')
            then 'NONE'
        when form in ('blin_segment', 'blin_cycle') then 'EXPOSURE'
        when form in ('registration', 'demographics') then 'ELIGIBILITY'
        when form in ('adverse_event', 'patient_survey') then 'NONE'
        else 'OUTCOME'
    end as analysis_impact_cd
from set_aside
