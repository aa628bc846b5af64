-- Grain: one row per patient with MRD recurrence: first day on which MRD came back (positive after negative by
-- the same method, or a relapse form of kind 5, MRD recurrence only). Only what was negative in remission can come
-- back: the negative result is of the first remission (or up to 7 days before it). Blood can miss what marrow holds, so
-- that a positive marrow after a negative blood is persistent MRD; a positive blood after a negative marrow is
-- recurrence. In the strict reading, which is the one shown, a result below quantification is positive.
with negative as (
    select
        mrd.patient_key,
        mrd.method_cd,
        coalesce(mrd.sample_cd, 'UNK') as sample_cd,
        min(mrd.sample_date) as sample_date
    from {{ ref('int_mrd__classified') }} as mrd
    inner join {{ ref('int_response__frontline') }} as remission
        on
            mrd.patient_key = remission.patient_key
            and mrd.sample_date >= {{ add_days('remission.cr1_date', '-' ~ parameter('mrd_pairing_days')) }}
    where mrd.mrd_cd in ('NEG', 'NEG_UNVERIFIED')
    group by mrd.patient_key, mrd.method_cd, coalesce(mrd.sample_cd, 'UNK')
),

came_back as (
    select
        positive.patient_key,
        positive.sample_date as recurrence_date
    from {{ ref('int_mrd__classified') }} as positive
    inner join negative
        on
            positive.patient_key = negative.patient_key
            and positive.method_cd = negative.method_cd
            and positive.sample_date > negative.sample_date
    where
        positive.mrd_cd in ('POS', 'POS_BELOW_LOQ')
        and (
            coalesce(positive.sample_cd, 'UNK') = negative.sample_cd
            or (negative.sample_cd = 'MARROW' and positive.sample_cd = 'BLOOD')
        )
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
