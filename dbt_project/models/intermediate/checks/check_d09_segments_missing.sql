-- D09, warn: an interrupted cycle with fewer than two segments; a stepped cycle with fewer than two rates. Segments
-- that were set aside show neither.
with segment as (
    select
        patient_key,
        cycle_instance_no,
        count(*) as n_segments,
        count(distinct rate_mcg_day) as n_rates
    from {{ ref('int_infusion__checked') }}
    where cycle_instance_no is not null and reason_cd is null
    group by patient_key, cycle_instance_no
),

cycle as (
    select
        form.patient_key,
        form.site_id,
        form.instance_no,
        form.bc_interrupted_cd,
        form.bc_step_cd,
        coalesce(segment.n_segments, 0) as n_segments,
        coalesce(segment.n_rates, 0) as n_rates
    from {{ ref('stg_redcap__blin_cycle') }} as form
    inner join {{ ref('int_subject__recorded') }} as subject
        on form.patient_key = subject.patient_key and subject.is_patient
    left join segment on form.patient_key = segment.patient_key and form.instance_no = segment.cycle_instance_no
    where coalesce(form.bc_status_cd, '') <> '4'
)

select
    {{ check_columns('D09', 'blin_cycle', 'bc_interrupted', 'n_segments < 2', instance_no='instance_no') }}
from cycle
where bc_interrupted_cd = '1'
union all
select {{ check_columns('D09', 'blin_cycle', 'bc_step', 'n_rates < 2', instance_no='instance_no') }}
from cycle
where bc_step_cd = '1'
