-- Grain: one row per landed infusion segment: start and stop as the site typed them (the field map applied, blanks
-- null, what cannot be read included), and the time zone in which they are read. Texts of dates: never released.
select
    segment.patient_key,
    segment.instance_no,
    segment.sg_start as start_local_raw,
    segment.sg_end as end_local_raw,
    subject.time_zone as site_tz
from {{ ref('base_redcap__blin_segment') }} as segment
inner join {{ ref('int_subject__recorded') }} as subject on segment.patient_key = subject.patient_key
