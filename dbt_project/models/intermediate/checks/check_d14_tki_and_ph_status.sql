-- D14, warn: BCR::ABL1 positive without a TKI within 60 days of the plan date; a TKI with BCR::ABL1 negative and
-- no ABL-class finding.
with tki as (
    select
        patient_key,
        'treatment_course' as form,
        instance_no,
        start_date
    from {{ ref('int_course__kept') }}
    where tc_drugs__24 or tc_drugs__25 or tc_drugs__26 or tc_drugs__27
    union all
    select
        patient_key,
        'blin_cycle' as form,
        instance_no,
        {{ date_of('bc_start') }} as start_date
    from {{ ref('stg_redcap__blin_cycle') }}
    where bc_tki_cd in ('1', '2', '3', '4') and bc_start is not null
),

first_tki as (
    select
        patient_key,
        min(start_date) as start_date
    from tki
    group by patient_key
),

subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        recorded.data_cut_date,
        diagnosis.ph_status_cd,
        coalesce(diagnosis.genetics__10, false) as is_abl_class,
        first_tki.start_date as first_tki_date,
        {{ add_days('treatment.plan_date', parameter('tki_window_days')) }} as tki_due_date
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('stg_redcap__diagnosis') }} as diagnosis on recorded.patient_key = diagnosis.patient_key
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on recorded.patient_key = treatment.patient_key
    left join first_tki on recorded.patient_key = first_tki.patient_key
    where recorded.is_patient
)

select
    {{ check_columns('D14', 'diagnosis', 'ph_status', 'first_tki_date is null or first_tki_date > tki_due_date') }}
from subject
where ph_status_cd = '1' and tki_due_date <= data_cut_date
union all
select
    'D14' as check_id,
    tki.patient_key,
    subject.site_id,
    tki.form,
    tki.instance_no,
    case tki.form when 'blin_cycle' then 'bc_tki' else 'tc_drugs' end as field_name,
    not subject.is_abl_class as is_violated
from tki
inner join subject on tki.patient_key = subject.patient_key
where subject.ph_status_cd = '0'
