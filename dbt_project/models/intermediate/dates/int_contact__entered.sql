-- Grain: one row per dated contact as it was entered (patient x form x instance x field): a day on which the patient
-- was alive by what the site wrote, not after the death. Rows whose own dates contradict each other are no contact.
with death as (
    select
        patient_key,
        latest_date
    from {{ ref('int_dates__bounded') }}
    where date_role = 'DEATH' and is_counted
)

select
    recorded.patient_key,
    recorded.form,
    recorded.instance_no,
    recorded.field_name,
    recorded.recorded_date as contact_date
from {{ ref('int_dates__recorded') }} as recorded
left join death on recorded.patient_key = death.patient_key
-- Death wins over a later contact: that contact is a finding (D03), not a proof of life.
where
    recorded.is_contact
    and recorded.is_counted
    and recorded.recorded_date <= coalesce(death.latest_date, recorded.recorded_date)
