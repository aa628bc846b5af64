with set_aside as (
    select
        form,
        patient_key,
        site_id,
        instance_no,
        reason_cd,
        kept_instance_no,
        pull_id,
        true as is_landed
    from {{ ref('int_row__set_aside') }}
    union all
    select
        refused.form,
        refused.patient_key,
        refused.site_id,
        refused.instance_no,
        refused.reason_cd,
        cast(null as integer) as kept_instance_no,
        pull.pull_id,
        false as is_landed
    from {{ ref('stg_redcap__quarantine') }} as refused
    inner join {{ ref('int_subject__recorded') }} as subject on refused.patient_key = subject.patient_key
    cross join {{ ref('int_pull__current') }} as pull
)

select
    case set_aside.form
        when 'blin_segment' then 'infusion_segment'
        when 'blin_cycle' then 'infusion_cycle'
        else set_aside.form
    end as entity,
    set_aside.patient_key,
    set_aside.site_id,
    set_aside.form,
    set_aside.instance_no,
    set_aside.reason_cd,
    set_aside.kept_instance_no,
    case
        when
            set_aside.reason_cd in (
                'EMPTY_ROW', 'INF_EMPTY_ROW', 'CYC_EMPTY_ROW', 'INF_EXACT_DUPLICATE', 'CYC_EXACT_DUPLICATE'
            )
            then 'NONE'
        when set_aside.form in ('blin_segment', 'blin_cycle') then 'EXPOSURE'
        when set_aside.form in ('registration', 'demographics') then 'ELIGIBILITY'
        when set_aside.form in ('adverse_event', 'patient_survey') then 'NONE'
        else 'OUTCOME'
    end as analysis_impact_cd,
    fingerprint.raw_row_sha256,
    set_aside.pull_id
from set_aside
left join {{ ref('int_row__fingerprint') }} as fingerprint
    on
        set_aside.form = fingerprint.form
        and set_aside.patient_key = fingerprint.patient_key
        and set_aside.instance_no = fingerprint.instance_no
        -- A row refused at landing never reached the warehouse.
        and set_aside.is_landed
