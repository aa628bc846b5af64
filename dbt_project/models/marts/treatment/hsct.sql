with blin as (
    select
        hct.patient_key,
        hct.instance_no,
        blin_cycle.end_date,
        row_number() over (
            partition by hct.patient_key, hct.instance_no
            order by blin_cycle.start_date desc, blin_cycle.cycle_overall_no desc
        ) as recency
    from {{ ref('int_hct__kept') }} as hct
    inner join {{ ref('int_blin_cycle__started') }} as blin_cycle
        on hct.patient_key = blin_cycle.patient_key and hct.hsct_date > blin_cycle.start_date
)

select
    hct.patient_key,
    hct.site_id,
    cast(row_number() over (partition by hct.patient_key order by hct.hsct_date, hct.instance_no) as integer)
        as hsct_no,
    hct.instance_no,
    hct.hsct_date,
    hct.type_cd,
    hct.donor_cd,
    hct.graft_cd,
    hct.conditioning_cd,
    hct.has_tbi,
    hct.remission_status_cd,
    -- In first remission by the course of the disease: after it and before relapse or refractory disease.
    coalesce(
        hct.hsct_date >= response.cr1_date
        and hct.hsct_date < coalesce(period.progression_date, date '9999-12-31'),
        false
    ) as is_in_cr1,
    hct.mrd_pre_reported_cd,
    hct.acute_gvhd_cd,
    hct.acute_gvhd_date,
    hct.chronic_gvhd_cd,
    cast(
        {{ days_between('diagnosis.resolved_date', 'hct.hsct_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('response.cr1_date', 'hct.hsct_date') }}
        as integer
    ) as days_from_cr1,
    cast(
        case
            when blin.end_date > hct.hsct_date then 0
            else {{ days_between('blin.end_date', 'hct.hsct_date') }}
        end as integer
    ) as days_last_blin_to_hsct,
    'hct' as source_form,
    hct.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_hct__kept') }} as hct
left join {{ ref('int_dates__resolved') }} as diagnosis
    on hct.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_frontline__period') }} as period on hct.patient_key = period.patient_key
left join {{ ref('int_response__frontline') }} as response on hct.patient_key = response.patient_key
left join blin on hct.patient_key = blin.patient_key and hct.instance_no = blin.instance_no and blin.recency = 1
