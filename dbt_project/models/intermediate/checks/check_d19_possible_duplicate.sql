-- D19, warn: the same event entered twice (same date, same type), and the same diagnosis date, age, sex and ZIP3
-- at two sites (there records already called duplicate are looked at too).
with entered as (
    {%- for form, kinds in {
        'treatment_course': ['tc_start', 'tc_regimen_cd', 'tc_phase_cd'],
        'blin_cycle': [date_of('bc_start'), 'bc_number'],
        'response': ['ra_date', 'ra_timepoint_cd'],
        'mrd': ['mr_date', 'mr_source_cd', 'mr_method_cd'],
        'hct': ['hc_date', 'hc_type_cd'],
        'relapse': ['rl_date', 'rl_kind_cd'],
        'adverse_event': ['ae_start', 'ae_term_cd'],
        'followup': ['fu_date', 'fu_source_cd'],
        'patient_survey': ['sv_date', 'sv_when_cd'],
    }.items() %}
    select
        patient_key,
        '{{ form }}' as form,
        '{{ dict(dated_forms(), blin_cycle='bc_start')[form] }}' as field_name,
        instance_no,
        {{ joined_text(kinds) }} as same_event
    from {{ ref('stg_redcap__' ~ form) }}
    where {{ kinds[0] }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

repeated as (
    select
        patient_key,
        form,
        instance_no,
        field_name,
        row_number() over (partition by patient_key, form, same_event order by instance_no) as repeat_no
    from entered
),

person as (
    select
        subject.patient_key,
        subject.site_id,
        min(subject.site_id) over (
            partition by registration.dx_date, registration.age_dx, demographics.sex_cd, demographics.zip3
        ) as first_site_id,
        max(subject.site_id) over (
            partition by registration.dx_date, registration.age_dx, demographics.sex_cd, demographics.zip3
        ) as last_site_id
    from {{ ref('int_subject__recorded') }} as subject
    inner join {{ ref('stg_redcap__registration') }} as registration on subject.patient_key = registration.patient_key
    inner join {{ ref('stg_redcap__demographics') }} as demographics on subject.patient_key = demographics.patient_key
    where
        registration.dx_date is not null
        and registration.age_dx is not null
        and demographics.sex_cd is not null
        and demographics.zip3 is not null
)

select
    'D19' as check_id,
    repeated.patient_key,
    subject.site_id,
    repeated.form,
    repeated.instance_no,
    repeated.field_name,
    repeated.repeat_no > 1 as is_violated
from repeated
inner join {{ ref('int_subject__recorded') }} as subject
    on repeated.patient_key = subject.patient_key and subject.is_patient
union all
select {{ check_columns('D19', 'registration', 'dx_date', 'first_site_id <> last_site_id') }}
from person
