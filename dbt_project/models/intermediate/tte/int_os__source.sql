-- Grain: one row per kept record with a diagnosis date: what happened last to the patient, for overall survival.
-- Death of any cause is the event; else the last day known alive, never the cut. A withdrawal ends what may be
-- used.
select
    subject.patient_key,
    subject.site_id,
    diagnosis.resolved_date as start_date,
    diagnosis.earliest_date as start_lo,
    diagnosis.latest_date as start_hi,
    horizon.death_date is not null as is_event,
    coalesce(horizon.death_date, contact.last_alive_date) as end_date,
    coalesce(horizon.death_lo, contact.last_alive_date) as end_lo,
    coalesce(horizon.death_hi, contact.last_alive_date) as end_hi,
    case when horizon.death_date is not null then horizon.death_dtf end as end_dtf,
    case when horizon.death_date is not null then 'death' else contact.source_form end as end_form,
    case when horizon.death_date is not null then 'dth_date' else contact.source_field end as end_field,
    case when horizon.death_date is not null then 1 else contact.source_instance_no end as end_instance_no,
    horizon.withdraw_date is not null as is_withdrawn
from {{ ref('int_subject__recorded') }} as subject
inner join {{ ref('int_dates__resolved') }} as diagnosis
    on subject.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
inner join {{ ref('int_subject__horizon') }} as horizon on subject.patient_key = horizon.patient_key
left join {{ ref('int_contact__last') }} as contact on subject.patient_key = contact.patient_key
