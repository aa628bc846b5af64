-- Grain: one row per kept record: the one status that it has, and the step at which it leaves the waterfall.
with counted as (
    select
        patient_key,
        site_id,
        max(case when criterion_cd = 'E6' and met_cd = 'UNKNOWN' then 1 else 0 end) as is_held,
        min(case when met_cd = 'N' then order_no end) as first_failed_no,
        min(case when met_cd = 'UNKNOWN' and criterion_cd <> 'E6' then order_no end) as first_unknown_no
    from {{ ref('int_eligibility__decision') }}
    group by patient_key, site_id
)

select
    patient_key,
    site_id,
    first_failed_no,
    first_unknown_no,
    case
        when is_held = 1 then 'HELD'
        when first_failed_no is not null then 'INELIGIBLE'
        when first_unknown_no is not null then 'PENDING'
        else 'ELIGIBLE'
    end as eligibility_status_cd
from counted
