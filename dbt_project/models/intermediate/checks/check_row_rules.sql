-- Findings that are not cross-field checks: R01 a row set aside for a reason that no other check names, R02 a row
-- refused at landing since its form has no place there, T01 a value that could not be read, W01 a withdrawal without
-- scope or date, W02 one dated before the consent.
with landed as (
    select
        patient_key,
        site_id,
        form,
        instance_no,
        {{ recode('form', dict(dated_forms(), blin_cycle='bc_start', blin_segment='sg_start')) }} as field_name
    from {{ ref('int_row__landed') }}
)

select
    'R01' as check_id,
    landed.patient_key,
    landed.site_id,
    landed.form,
    landed.instance_no,
    landed.field_name,
    -- A date that could not be read is T01; dates outside time, deaths, cycles and duplicates have their own
    -- checks.
    reject.patient_key is null
    and coalesce(
        set_aside.reason_cd in (
            'DATE_MISSING', 'INF_START_MISSING', 'INF_CYCLE_NOT_STARTED', 'INF_RATE_MISSING', 'INF_NEGATIVE_OR_ZERO',
            'CYC_START_MISSING', 'CYC_NEGATIVE_OR_ZERO'
        ),
        false
    ) as is_violated
from landed
inner join {{ ref('int_subject__recorded') }} as subject
    on landed.patient_key = subject.patient_key and subject.is_patient
left join {{ ref('int_row__set_aside') }} as set_aside
    on
        landed.patient_key = set_aside.patient_key
        and landed.form = set_aside.form
        and landed.instance_no = set_aside.instance_no
left join {{ ref('stg_redcap__type_reject') }} as reject
    on
        landed.patient_key = reject.patient_key
        and landed.form = reject.form
        and landed.instance_no = reject.instance_no
        and landed.field_name = reject.field_name
union all
-- One instance may have been refused in several events.
select distinct
    'R02' as check_id,
    refused.patient_key,
    subject.site_id,
    refused.form,
    refused.instance_no,
    refused.form || '_complete' as field_name,
    true as is_violated
from {{ ref('stg_redcap__quarantine') }} as refused
inner join {{ ref('int_subject__recorded') }} as subject
    on refused.patient_key = subject.patient_key and subject.is_patient
union all
select
    'T01' as check_id,
    reject.patient_key,
    subject.site_id,
    reject.form,
    reject.instance_no,
    reject.field_name,
    true as is_violated
from {{ ref('stg_redcap__type_reject') }} as reject
inner join {{ ref('int_subject__recorded') }} as subject
    on reject.patient_key = subject.patient_key and subject.is_patient
union all
select {{ check_columns('W01', 'registration', 'withdraw_scope', "hold_cd = 'SCOPE_MISSING'") }}
from {{ ref('int_subject__recorded') }}
where is_patient and consent_status_cd = '6'
union all
select {{ check_columns('W01', 'registration', 'withdraw_date', "hold_cd = 'DATE_MISSING'") }}
from {{ ref('int_subject__recorded') }}
where is_patient and consent_status_cd = '6' and coalesce(hold_cd, '') <> 'SCOPE_MISSING'
union all
select {{ check_columns('W02', 'registration', 'withdraw_date', "hold_cd = 'DATE_FAULT'") }}
from {{ ref('int_subject__recorded') }}
where is_patient and consent_status_cd = '6' and coalesce(hold_cd, 'DATE_FAULT') = 'DATE_FAULT'
