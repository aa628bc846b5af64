-- Grain: one row per patient with a dated contact: the last day on which the patient is known to have been alive, with
-- its source. A row that is kept out of the tables proves nothing.
with contact as (
    select
        entered.patient_key,
        entered.contact_date,
        entered.form,
        entered.field_name,
        entered.instance_no,
        row_number() over (
            partition by entered.patient_key
            order by entered.contact_date desc, entered.form asc, entered.field_name asc, entered.instance_no asc
        ) as recency
    from {{ ref('int_contact__entered') }} as entered
    left join {{ ref('int_row__set_aside') }} as set_aside
        on
            entered.patient_key = set_aside.patient_key
            and entered.form = set_aside.form
            and entered.instance_no = set_aside.instance_no
    where set_aside.patient_key is null
)

select
    patient_key,
    contact_date as last_alive_date,
    form as source_form,
    field_name as source_field,
    instance_no as source_instance_no
from contact
where recency = 1
