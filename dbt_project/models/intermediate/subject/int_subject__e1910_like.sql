-- Grain: one row per patient in first remission: whether the patient is like those whom E1910 randomised: 30 to 70
-- years, BCR::ABL1 negative, in first remission, and MRD negative by flow after induction and intensification, that is
-- by the last flow result from remission on (or up to 7 days before) and before blinatumomab or consolidation began.
with next_step as (
    select
        patient_key,
        min(start_date) as start_date
    from {{ ref('int_e1910__unit') }}
    group by patient_key
),

flow as (
    select
        response.patient_key,
        mrd.mrd_cd,
        row_number() over (
            partition by response.patient_key
            order by
                mrd.sample_date desc,
                case mrd.sample_cd when 'MARROW' then 1 when 'BLOOD' then 2 else 3 end asc,
                mrd.instance_no asc
        ) as recency
    from {{ ref('int_response__frontline') }} as response
    inner join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
    left join next_step on response.patient_key = next_step.patient_key
    inner join {{ ref('int_mrd__classified') }} as mrd
        on
            response.patient_key = mrd.patient_key
            and mrd.method_cd = 'FLOW'
            and mrd.mrd_cd <> 'NE'
            and mrd.sample_date >= {{ add_days('response.cr1_date', '-' ~ parameter('mrd_pairing_days')) }}
            and mrd.sample_date <= coalesce(next_step.start_date, period.frontline_end_date)
            and mrd.sample_date < coalesce(period.progression_date, date '9999-12-31')
)

select
    response.patient_key,
    flow.mrd_cd as mrd_flow_cd,
    coalesce(
        baseline.age_dx_years >= {{ parameter('e1910_age_from_years') }}
        and baseline.age_dx_years < {{ parameter('e1910_age_to_years') }} + 1
        and baseline.bcr_abl1_cd = 'NEG'
        and flow.mrd_cd = 'NEG',
        false
    ) as is_e1910_like
from {{ ref('int_response__frontline') }} as response
inner join {{ ref('int_subject__baseline') }} as baseline on response.patient_key = baseline.patient_key
left join flow on response.patient_key = flow.patient_key and flow.recency = 1
where response.cr1_date is not null
