-- D10, error: rate outside 5 to 28 mcg/day (5 to 15 mcg/m2/day) or above the cap by body surface; under 45 kg
-- without body surface.
with cycle as (
    select
        form.patient_key,
        form.site_id,
        form.instance_no,
        form.bc_number,
        form.bc_plan_rate,
        form.bc_bsa,
        form.bc_weight < {{ parameter('weight_band_kg') }} as is_dosed_by_surface,
        {{ capped('form.bc_bsa * ' ~ parameter('rate_max_mcg_m2_day'), parameter('rate_cap_mcg_day')) }} as cap_mcg_day
    from {{ ref('stg_redcap__blin_cycle') }} as form
    inner join {{ ref('int_subject__recorded') }} as subject
        on form.patient_key = subject.patient_key and subject.is_patient
),

segment as (
    select
        usable.patient_key,
        usable.site_id,
        usable.instance_no,
        form.sg_rate,
        form.sg_rate_unit_cd,
        case when cycle.is_dosed_by_surface then cycle.cap_mcg_day end as cap_mcg_day
    from {{ ref('int_infusion__checked') }} as usable
    inner join {{ ref('stg_redcap__blin_segment') }} as form
        on usable.patient_key = form.patient_key and usable.instance_no = form.instance_no
    inner join {{ ref('int_subject__recorded') }} as subject
        on usable.patient_key = subject.patient_key and subject.is_patient
    left join cycle on usable.patient_key = cycle.patient_key and usable.cycle_instance_no = cycle.instance_no
)

select
    {{ check_columns('D10', 'blin_segment', 'sg_rate',
        'sg_rate < ' ~ parameter('rate_min_mcg_day')
        ~ " or (sg_rate_unit_cd = '1' and sg_rate > " ~ parameter('rate_cap_mcg_day') ~ ')'
        ~ " or (sg_rate_unit_cd = '1' and round(sg_rate, 1) > round(cap_mcg_day, 1))"
        ~ " or (sg_rate_unit_cd = '2' and sg_rate > " ~ parameter('rate_max_mcg_m2_day') ~ ')', instance_no='instance_no') }}
from segment
where sg_rate is not null and sg_rate_unit_cd is not null
union all
select
    {{ check_columns('D10', 'blin_cycle', 'bc_plan_rate',
        'bc_plan_rate < ' ~ parameter('rate_min_mcg_day') ~ ' or bc_plan_rate > ' ~ parameter('rate_cap_mcg_day')
        ~ ' or (is_dosed_by_surface and round(bc_plan_rate, 1) > round(cap_mcg_day, 1))', instance_no='instance_no') }}
from cycle
where bc_plan_rate is not null
union all
select {{ check_columns('D10', 'blin_cycle', 'bc_bsa', 'bc_bsa is null', instance_no='instance_no') }}
from cycle
where is_dosed_by_surface
