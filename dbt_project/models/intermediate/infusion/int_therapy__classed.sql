-- Grain: one row per counted course of therapy other than blinatumomab, and per transplant, with its class. A course
-- is chemotherapy when it holds anything beside steroids, antibodies against CD20 and kinase inhibitors, or when its
-- drugs were not entered; a course of intrathecal doses alone is a class of its own.
{%- set not_chemotherapy = ['1', '2', '3', '21', '22', '24', '25', '26', '27', '31'] %}
{%- set drugs = registry_field('treatment_course', 'tc_drugs').codes %}
with ticked as (
    select
        patient_key,
        instance_no,
        start_date,
        end_date,
        is_running,
        tc_it_doses,
        {{ count_ticked('tc_drugs', drugs) }} as n_drugs,
        {{ count_ticked('tc_drugs', drugs | reject('in', not_chemotherapy) | list) }} as n_chemotherapy_drugs
    from {{ ref('int_course__kept') }}
)

select
    patient_key,
    'treatment_course' as form,
    instance_no,
    start_date,
    end_date,
    is_running,
    case
        when n_chemotherapy_drugs > 0 then 'CHEMOTHERAPY'
        when n_drugs > 0 then 'TARGETED_OR_STEROID'
        when tc_it_doses > 0 then 'INTRATHECAL'
        else 'CHEMOTHERAPY'
    end as treatment_cd
from ticked
union all
select
    patient_key,
    form,
    instance_no,
    row_date as start_date,
    row_date as end_date,
    false as is_running,
    'HSCT' as treatment_cd
from {{ ref('int_form_row__checked') }}
where form = 'hct' and reason_cd is null
