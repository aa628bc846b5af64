-- Grain: one row per patient with MRD recurrence: first day on which MRD came back (positive after negative by
-- the same method, or a relapse form of kind 5, MRD recurrence only). In the strict reading, which is the one shown,
-- a result below quantification is positive.
with came_back as (
    select
        positive.patient_key,
        positive.sample_date as recurrence_date
    from {{ ref('int_mrd__classified') }} as positive
    inner join {{ ref('int_mrd__classified') }} as negative
        on
            positive.patient_key = negative.patient_key
            and positive.method_cd = negative.method_cd
            and positive.sample_date > negative.sample_date
    where positive.mrd_cd in ('POS', 'POS_BELOW_LOQ') and negative.mrd_cd in ('NEG', 'NEG_UNVERIFIED')
    union all
    select
        patient_key,
        relapse_date as recurrence_date
    from {{ ref('int_relapse__kept') }}
    where type_cd = 'MRD'
)

select
    patient_key,
    min(recurrence_date) as recurrence_date
from came_back
group by patient_key
