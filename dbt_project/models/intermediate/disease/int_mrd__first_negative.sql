-- Grain: one row per patient with an MRD-negative result by flow in first remission: the day of the first. In first
-- remission: from the remission on, before relapse or refractory disease, and not after the end of frontline therapy.
select
    response.patient_key,
    min(mrd.sample_date) as negative_date
from {{ ref('int_response__frontline') }} as response
inner join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
inner join {{ ref('int_mrd__classified') }} as mrd
    on
        response.patient_key = mrd.patient_key
        and response.cr1_date <= mrd.sample_date
        and coalesce(period.progression_date, date '9999-12-31') > mrd.sample_date
        and period.frontline_end_date >= mrd.sample_date
-- The registry's definition of MRD negative is by flow; methods are never merged.
where mrd.method_cd = 'FLOW' and mrd.mrd_cd = 'NEG'
group by response.patient_key
