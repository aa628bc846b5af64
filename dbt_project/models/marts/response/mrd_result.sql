select
    mrd.patient_key,
    mrd.site_id,
    cast(
        row_number() over (
            partition by mrd.patient_key order by mrd.sample_date, mrd.method_cd, mrd.instance_no
        ) as integer
    ) as mrd_seq,
    mrd.instance_no,
    mrd.timepoint_cd,
    mrd.sample_date,
    mrd.sample_cd,
    mrd.method_cd,
    mrd.laboratory_cd,
    mrd.result_reported_cd,
    mrd.level_frac,
    mrd.level_is_pct,
    mrd.sensitivity_cd,
    mrd.mrd_cd,
    case
        when mrd.mrd_cd <> 'NE' then mrd.mrd_cd in ('NEG', 'NEG_UNVERIFIED', 'POS_BELOW_LOQ')
    end as is_negative_lenient,
    mrd.is_under_1e_4,
    mrd.is_under_1e_5,
    mrd.is_under_1e_6,
    mrd.is_low_bcr_abl1,
    cast(
        {{ days_between('diagnosis.resolved_date', 'mrd.sample_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('period.plan_date', 'mrd.sample_date') }}
        as integer
    ) as days_from_plan,
    cast(
        {{ days_between('response.cr1_date', 'mrd.sample_date') }}
        as integer
    ) as days_from_cr1,
    coalesce(
        mrd.sample_date > period.plan_date
        and mrd.sample_date < coalesce(period.progression_date, date '9999-12-31')
        and mrd.sample_date <= period.frontline_end_date,
        false
    ) as is_in_frontline,
    'mrd' as source_form,
    mrd.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_mrd__classified') }} as mrd
left join {{ ref('int_dates__resolved') }} as diagnosis
    on mrd.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_frontline__period') }} as period on mrd.patient_key = period.patient_key
left join {{ ref('int_response__frontline') }} as response on mrd.patient_key = response.patient_key
