-- D13, warn: MRD negative by flow without a sensitivity of at least 10^-4; a level without unit; a level above
-- 100 %.
with sample as (
    select
        mrd.patient_key,
        mrd.site_id,
        mrd.instance_no,
        mrd.mr_method_cd,
        mrd.mr_result_cd,
        coalesce(mrd.mr_sens_cd, '9') not in ('1', '2', '3') as is_sensitivity_missing,
        mrd.mr_value,
        mrd.mr_unit_cd,
        case mrd.mr_unit_cd when '2' then 1000000.0 when '4' then 1.0 else 100.0 end as whole
    from {{ ref('stg_redcap__mrd') }} as mrd
    inner join {{ ref('int_subject__recorded') }} as subject
        on mrd.patient_key = subject.patient_key and subject.is_patient
)

select
    {{ check_columns('D13', 'mrd', 'mr_sens', 'is_sensitivity_missing', instance_no='instance_no') }}
from sample
where mr_method_cd = '1' and mr_result_cd = '0'
union all
select {{ check_columns('D13', 'mrd', 'mr_unit', 'mr_unit_cd is null', instance_no='instance_no') }}
from sample
where mr_value is not null
union all
select {{ check_columns('D13', 'mrd', 'mr_value', 'mr_value > whole', instance_no='instance_no') }}
from sample
where mr_value is not null and mr_unit_cd is not null
