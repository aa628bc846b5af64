-- Grain: one row per day on which a therapy began that the site gave for a relapse: a course of salvage or of a later
-- line, a blinatumomab cycle for relapsed disease, an infusion of CAR-T. Read before the site's word is compared with
-- the derived line, since it helps to date the relapse.
select
    patient_key,
    start_date
from {{ ref('int_course__kept') }}
where tc_phase_cd = '10' or line_reported_cd in ('2', '3')
union
select
    form.patient_key,
    recorded.recorded_date as start_date
from {{ ref('int_dates__recorded') }} as recorded
inner join {{ ref('stg_redcap__blin_cycle') }} as form
    on recorded.patient_key = form.patient_key and recorded.instance_no = form.instance_no
where
    recorded.field_name = 'bc_start' and recorded.is_contact and recorded.is_counted
    and form.bc_line_cd = '3'
union
select
    patient_key,
    recorded_date as start_date
from {{ ref('int_dates__recorded') }}
where field_name = 'rl_cart_date' and is_counted
