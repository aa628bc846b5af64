-- Grain: patient x method x day with a result that could be read: the one that counts on that day. Marrow comes before
-- blood and both before a specimen that nobody named; of two alike the one entered first. A failed marrow does not hide
-- blood that could be read.
with ranked as (
    select
        patient_key,
        instance_no,
        sample_date,
        method_cd,
        sample_cd,
        mrd_cd,
        row_number() over (
            partition by patient_key, method_cd, sample_date
            order by case sample_cd when 'MARROW' then 1 when 'BLOOD' then 2 else 3 end, instance_no
        ) as choice_no
    from {{ ref('int_mrd__classified') }}
    where mrd_cd <> 'NE'
)

select
    patient_key,
    instance_no,
    sample_date,
    method_cd,
    sample_cd,
    mrd_cd
from ranked
where choice_no = 1
