-- Q05, info: an infusion that starts or stops at exactly 00:00 although the clock times are said to be known: midnight
-- is what a form shows where only the day was known. The value stands. Cycles of whole days, and cycles never started,
-- are not looked at.
with cycle as (
    select
        plan.patient_key,
        plan.site_id,
        plan.cycle_instance_no as instance_no,
        plan.start_local,
        plan.end_local
    from {{ ref('int_blin_cycle__planned') }} as plan
    inner join {{ ref('int_subject__recorded') }} as subject
        on plan.patient_key = subject.patient_key and subject.is_patient
    where not plan.is_whole_days and coalesce(plan.bc_status_cd, '') <> '4'
),

segment as (
    select
        usable.patient_key,
        usable.site_id,
        usable.instance_no,
        usable.start_local,
        usable.end_local
    from {{ ref('int_infusion__checked') }} as usable
    inner join {{ ref('int_subject__recorded') }} as subject
        on usable.patient_key = subject.patient_key and subject.is_patient
    where not usable.is_whole_days
)

{%- for form, rows, starts, stops in [
    ('blin_cycle', 'cycle', 'bc_start', 'bc_end'), ('blin_segment', 'segment', 'sg_start', 'sg_end'),
] %}
{%- for field, local in [(starts, 'start_local'), (stops, 'end_local')] %}

select
    {{ check_columns('Q05', form, field, local ~ ' = ' ~ start_of_day(date_of(local)), instance_no='instance_no') }}
from {{ rows }}
where {{ local }} is not null
{{ 'union all' if not loop.last }}
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
