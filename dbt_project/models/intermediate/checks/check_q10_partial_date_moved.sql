-- Q10, info: a date known by month or year whose point is not the day that was entered, because what else is known of
-- the patient forbids that day (data model 3.1). Looked at: dates of diagnosis, relapse and death that are not known to
-- the day and count.
with placed as (
    select
        dated.patient_key,
        dated.site_id,
        dated.date_role,
        dated.instance_no,
        dated.resolved_date <> bounded.entered_date as is_moved
    from {{ ref('int_dates__resolved') }} as dated
    inner join {{ ref('int_dates__bounded') }} as bounded
        on
            dated.patient_key = bounded.patient_key
            and dated.date_role = bounded.date_role
            and dated.instance_no = bounded.instance_no
    inner join {{ ref('int_subject__recorded') }} as subject
        on dated.patient_key = subject.patient_key and subject.is_patient
    where dated.is_counted and dated.imputation_flag is not null
)

{%- for role, form, field in [
    ('DIAGNOSIS', 'registration', 'dx_date'), ('RELAPSE', 'relapse', 'rl_date'), ('DEATH', 'death', 'dth_date')
] %}
{{ 'union all' if not loop.first }}
select {{ check_columns('Q10', form, field, 'is_moved', instance_no='instance_no') }}
from placed
where date_role = '{{ role }}'
{%- endfor %}
