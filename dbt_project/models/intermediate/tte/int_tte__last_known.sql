-- Grain: patient x what was looked at (CONTACT alive, EVALUATION of the disease, MRD by flow): the last day on which it
-- was known, which is where a time without event is censored. Never after the death.
with death as (
    select
        patient_key,
        latest_date
    from {{ ref('int_dates__bounded') }}
    where date_role = 'DEATH' and is_counted
),

looked as (
    select
        patient_key,
        'EVALUATION' as censor_cd,
        assess_date as known_date,
        'response' as source_form,
        'ra_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_response__classified') }}
    union all
    select
        patient_key,
        'EVALUATION' as censor_cd,
        sample_date as known_date,
        'mrd' as source_form,
        'mr_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_mrd__classified') }}
    union all
    select
        patient_key,
        'EVALUATION' as censor_cd,
        contact_date as known_date,
        'followup' as source_form,
        'fu_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_followup__kept') }}
    where is_disease_evaluation
    union all
    -- A failed test looked at nothing.
    select
        patient_key,
        'MRD' as censor_cd,
        sample_date as known_date,
        'mrd' as source_form,
        'mr_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_mrd__classified') }}
    where method_cd = 'FLOW' and mrd_cd <> 'NE'
),

ranked as (
    select
        looked.*,
        row_number() over (
            partition by looked.patient_key, looked.censor_cd
            order by looked.known_date desc, looked.source_form asc, looked.source_instance_no asc
        ) as recency
    from looked
    left join death on looked.patient_key = death.patient_key
    where looked.known_date <= coalesce(death.latest_date, looked.known_date)
)

select
    patient_key,
    censor_cd,
    known_date,
    source_form,
    source_field,
    source_instance_no
from ranked
where recency = 1
union all
select
    patient_key,
    'CONTACT' as censor_cd,
    last_alive_date as known_date,
    source_form,
    source_field,
    source_instance_no
from {{ ref('int_contact__last') }}
