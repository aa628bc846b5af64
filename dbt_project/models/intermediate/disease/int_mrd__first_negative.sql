-- Grain: one row per patient with an MRD-negative result by flow in first remission: the day of the first. In first
-- remission: from the remission on, before relapse or refractory disease, and not after the end of frontline therapy.
-- Marrow beats blood: on one day, and when a marrow of the same remission is positive later and none was negative
-- before it. MRD was there all along then (as in int_mrd__recurrence), and the negative blood began nothing.
with remission as (
    select
        response.patient_key,
        response.cr1_date,
        coalesce(period.progression_date, date '9999-12-31') as progression_date,
        period.frontline_end_date
    from {{ ref('int_response__frontline') }} as response
    inner join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
    where response.cr1_date is not null
),

negative_marrow as (
    select
        daily.patient_key,
        min(daily.sample_date) as sample_date
    from {{ ref('int_mrd__daily') }} as daily
    inner join remission
        on
            daily.patient_key = remission.patient_key
            and daily.sample_date >= {{ add_days('remission.cr1_date', '-' ~ parameter('mrd_pairing_days')) }}
    where daily.method_cd = 'FLOW' and daily.sample_cd = 'MARROW' and daily.mrd_cd in ('NEG', 'NEG_UNVERIFIED')
    group by daily.patient_key
),

tested as (
    -- In first remission by flow, the registry's definition of MRD negative; methods are never merged.
    select
        daily.patient_key,
        daily.sample_date,
        coalesce(daily.sample_cd = 'MARROW', false) as is_marrow,
        daily.mrd_cd
    from {{ ref('int_mrd__daily') }} as daily
    inner join remission
        on
            daily.patient_key = remission.patient_key
            and daily.sample_date >= remission.cr1_date
            and daily.sample_date < remission.progression_date
            and daily.sample_date <= remission.frontline_end_date
    where daily.method_cd = 'FLOW'
),

persistent as (
    -- The last marrow that was positive before any was negative.
    select
        tested.patient_key,
        max(tested.sample_date) as sample_date
    from tested
    left join negative_marrow on tested.patient_key = negative_marrow.patient_key
    where
        tested.is_marrow
        and tested.mrd_cd in ('POS', 'POS_BELOW_LOQ')
        and tested.sample_date < coalesce(negative_marrow.sample_date, date '9999-12-31')
    group by tested.patient_key
)

select
    tested.patient_key,
    min(tested.sample_date) as negative_date
from tested
left join persistent on tested.patient_key = persistent.patient_key
where
    tested.mrd_cd = 'NEG'
    and (tested.is_marrow or tested.sample_date > coalesce(persistent.sample_date, date '1900-01-01'))
group by tested.patient_key
