-- Grain: patient x endpoint: time zero of every endpoint that the patient is in the analysis set of.
with eligible as (
    select
        patient_key,
        site_id
    from {{ ref('int_eligibility__status') }}
    where eligibility_status_cd = 'ELIGIBLE'
),

first_start as (
    select
        patient_key,
        cycle_start_date
    from {{ ref('int_tte__cycle') }}
    where start_no = 1
),

first_frontline as (
    select
        patient_key,
        min(cycle_start_date) as blin_date
    from {{ ref('int_tte__cycle') }}
    where line_cd = 'FRONTLINE'
    group by patient_key
),

remitted as (
    select
        patient_key,
        cr1_date
    from {{ ref('int_response__frontline') }}
    where cr1_date is not null
),

before_blin as (
    -- MRD by flow in remission shortly before the first frontline blinatumomab: the latest result, marrow before blood.
    select
        first_frontline.patient_key,
        first_frontline.blin_date,
        daily.mrd_cd,
        row_number() over (partition by first_frontline.patient_key order by daily.sample_date desc) as recency
    from first_frontline
    inner join remitted on first_frontline.patient_key = remitted.patient_key
    inner join {{ ref('int_mrd__daily') }} as daily
        on
            first_frontline.patient_key = daily.patient_key
            and first_frontline.blin_date >= daily.sample_date
            and remitted.cr1_date <= daily.sample_date
    where
        daily.method_cd = 'FLOW'
        and daily.sample_date >= {{ add_days('first_frontline.blin_date', '-' ~ parameter('mrd_before_blin_days')) }}
),

exact as (
    select
        patient_key,
        'START_OF_THERAPY' as origin_cd,
        'TREATED' as population_cd,
        plan_date as start_date
    from {{ ref('int_frontline__period') }}
    union all
    -- Who had blinatumomab before time zero is not at risk of starting it.
    select
        period.patient_key,
        'START_OF_THERAPY' as origin_cd,
        'TREATED_BLIN_NAIVE' as population_cd,
        period.plan_date as start_date
    from {{ ref('int_frontline__period') }} as period
    left join first_start on period.patient_key = first_start.patient_key
    where first_start.cycle_start_date is null or first_start.cycle_start_date >= period.plan_date
    union all
    select
        patient_key,
        'FIRST_REMISSION' as origin_cd,
        'CR1' as population_cd,
        cr1_date as start_date
    from remitted
    union all
    select
        remitted.patient_key,
        'FIRST_REMISSION' as origin_cd,
        'CR1_BLIN_NAIVE' as population_cd,
        remitted.cr1_date as start_date
    from remitted
    left join first_start on remitted.patient_key = first_start.patient_key
    where first_start.cycle_start_date is null or first_start.cycle_start_date >= remitted.cr1_date
    union all
    select
        patient_key,
        'FIRST_BLIN' as origin_cd,
        'BLIN_FL' as population_cd,
        blin_date as start_date
    from first_frontline
    union all
    select
        patient_key,
        'FIRST_BLIN' as origin_cd,
        'MRD_POS_AT_BLIN' as population_cd,
        blin_date as start_date
    from before_blin
    where recency = 1 and mrd_cd in ('POS', 'POS_BELOW_LOQ')
    union all
    select
        patient_key,
        'FIRST_MRD_NEGATIVE' as origin_cd,
        'CR1_MRD_NEGATIVE' as population_cd,
        negative_date as start_date
    from {{ ref('int_mrd__first_negative') }}
),

origin as (
    select
        patient_key,
        origin_cd,
        population_cd,
        start_date,
        start_date as start_lo,
        start_date as start_hi
    from exact
    union all
    select
        patient_key,
        'DIAGNOSIS' as origin_cd,
        'ELIGIBLE' as population_cd,
        resolved_date as start_date,
        earliest_date as start_lo,
        latest_date as start_hi
    from {{ ref('int_dates__resolved') }}
    where date_role = 'DIAGNOSIS'
)

select
    origin.patient_key,
    eligible.site_id,
    endpoint.param_cd,
    endpoint.origin_cd,
    endpoint.population_cd,
    endpoint.censor_cd,
    endpoint.outcome_param_cd,
    endpoint.censor_outcome_cd,
    endpoint.has_intervals,
    origin.start_date,
    origin.start_lo,
    origin.start_hi
from origin
inner join eligible on origin.patient_key = eligible.patient_key
inner join {{ ref('time_to_event_parameter') }} as endpoint
    on origin.origin_cd = endpoint.origin_cd and origin.population_cd = endpoint.population_cd
