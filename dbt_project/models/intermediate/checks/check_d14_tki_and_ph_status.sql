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
        recorded.patient_key,
        recorded.form,
        recorded.instance_no,
        recorded.recorded_date as start_date
    from {{ ref('int_dates__recorded') }} as recorded
    inner join {{ ref('stg_redcap__blin_cycle') }} as blin_cycle
        on recorded.patient_key = blin_cycle.patient_key and recorded.instance_no = blin_cycle.instance_no
    where
        recorded.field_name = 'bc_start' and recorded.is_contact and recorded.is_counted
        and blin_cycle.bc_tki_cd in ('1', '2', '3', '4')
),

tki_in_time as (
    select
        tki.patient_key,
        count(*) as n_starts
    from tki
    inner join {{ ref('stg_redcap__treatment_plan') }} as treatment on tki.patient_key = treatment.patient_key
    where
        tki.start_date >= {{ add_days('treatment.plan_date', '-' ~ parameter('tki_window_days')) }}
        and tki.start_date <= {{ add_days('treatment.plan_date', parameter('tki_window_days')) }}
    group by tki.patient_key
),

subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        recorded.data_cut_date,
        diagnosis.ph_status_cd,
        coalesce(diagnosis.genetics__10, false) as is_abl_class,
        tki_in_time.n_starts as n_tki_in_time,
        {{ add_days('treatment.plan_date', parameter('tki_window_days')) }} as tki_due_date
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('stg_redcap__diagnosis') }} as diagnosis on recorded.patient_key = diagnosis.patient_key
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on recorded.patient_key = treatment.patient_key
    left join tki_in_time on recorded.patient_key = tki_in_time.patient_key
    where recorded.is_patient
)

select
    {{ check_columns('D14', 'diagnosis', 'ph_status', 'n_tki_in_time is null') }}
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
