-- Grain: one row per patient with a dated contact: the last day on which the patient is known to have been alive,
-- with its source.
with death as (
    select
        patient_key,
        latest_date
    from {{ ref('int_dates__bounded') }}
    where date_role = 'DEATH' and is_counted
),

contact as (
    select
        recorded.patient_key,
        recorded.recorded_date,
        recorded.form,
        recorded.field_name,
        recorded.instance_no,
        row_number() over (
            partition by recorded.patient_key
            order by
                recorded.recorded_date desc,
                recorded.form asc,
                recorded.field_name asc,
                recorded.instance_no asc
        ) as recency
    from {{ ref('int_dates__recorded') }} as recorded
    left join death on recorded.patient_key = death.patient_key
    -- Death wins over a later contact: that contact is a finding (D03), not a proof of life.
    where
        recorded.is_contact
        and recorded.is_counted
        and recorded.recorded_date <= coalesce(death.latest_date, recorded.recorded_date)
)

select
    patient_key,
    recorded_date as last_alive_date,
    form as source_form,
    field_name as source_field,
    instance_no as source_instance_no
from contact
where recency = 1
