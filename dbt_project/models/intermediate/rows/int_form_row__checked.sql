-- Grain: one row per landed row of each instrument that stands on one date: kept (reason null) or set aside with
-- the reason. Infusion rows have their own rules (int_infusion__checked, int_blin_cycle__planned).
with landed as (
    {%- for form, field in dated_forms().items() %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no,
        form_opened,
        {{ field }} as row_date,
        {{ date_lower_bound(field, 'rl_date_prec_cd') if form == 'relapse' else field }} as earliest_date,
        pull_id
    from {{ ref('stg_redcap__' ~ form) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    landed.patient_key,
    subject.site_id,
    landed.form,
    landed.instance_no,
    landed.row_date,
    case
        when not landed.form_opened then 'EMPTY_ROW'
        when landed.row_date is null then 'DATE_MISSING'
        when landed.row_date < date '1900-01-01' then 'DATE_BEFORE_1900'
        when landed.earliest_date > subject.data_cut_date then 'DATE_AFTER_CUT'
        when landed.earliest_date > subject.counted_through_date then 'DATE_AFTER_WITHDRAWAL'
    end as reason_cd,
    landed.pull_id
from landed
inner join {{ ref('int_subject__recorded') }} as subject on landed.patient_key = subject.patient_key
