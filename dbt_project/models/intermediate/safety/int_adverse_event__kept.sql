-- Grain: one row per counted adverse event form, its codes in words; the two grading scales side by side, never one
-- mapped to the other. An unknown grade is null, never 0; ICANS 0 is a neurologic event that is not ICANS.
select
    adverse.patient_key,
    usable.site_id,
    adverse.instance_no,
    adverse.ae_term_cd as term_cd,
    case
        {%- for kind, facts in toxicity_kinds().items() %}
        {%- for term in facts.terms %}
        when adverse.ae_term_cd = '{{ term }}' then '{{ kind }}'
        {%- endfor %}
        {%- endfor %}
        else 'UNKNOWN'
    end as tox_cd,
    usable.row_date as onset_date,
    case when adverse.ae_end between date '1900-01-01' and subject.counted_through_date then adverse.ae_end end
        as resolved_date,
    {{ recode('adverse.ae_context_cd', {
        '1': 'BLINATUMOMAB', '2': 'CHEMOTHERAPY', '3': 'INOTUZUMAB', '4': 'TRANSPLANT', '5': 'MAINTENANCE', '6': 'NONE',
    }, 'UNK') }} as context_cd,
    adverse.ae_cycle as cycle_no_reported,
    cast(case when adverse.ae_ctcae_cd <> '9' then adverse.ae_ctcae_cd end as integer) as grade_ctcae,
    cast(
        case
            when adverse.ae_term_cd = '1' and adverse.ae_crs_astct_cd <> '9' then adverse.ae_crs_astct_cd
            when adverse.ae_term_cd = '2' and adverse.ae_icans_cd <> '9' then adverse.ae_icans_cd
        end as integer
    ) as grade_astct,
    adverse.ae_ice as ice_score,
    case adverse.ae_seizure_cd when '1' then true when '0' then false end as has_seizure,
    {{ recode('adverse.ae_blin_action_cd', {
        '0': 'NONE', '1': 'HELD', '2': 'REDUCED', '3': 'STOPPED', '4': 'NOT_ON_BLIN',
    }, 'UNK') }} as action_cd,
    {%- for code, word in [('1', 'steroid'), ('2', 'tocilizumab'), ('4', 'antiseizure'), ('6', 'immunoglobulin')] %}
    coalesce(adverse.ae_treat__{{ code }}, false) as has_{{ word }},
    {%- endfor %}
    {{ recode('adverse.ae_care_cd', {'1': 'OUTPATIENT', '2': 'ADMISSION', '3': 'INTENSIVE_CARE'}, 'UNK') }} as care_cd,
    {{ recode('adverse.ae_outcome_cd', {
        '1': 'RESOLVED', '2': 'RESOLVED_WITH_SEQUELAE', '3': 'ONGOING', '4': 'FATAL',
    }, 'UNK') }} as outcome_cd,
    {{ recode('adverse.ae_inf_type_cd', {
        '1': 'BACTERIAL', '2': 'VIRAL', '3': 'FUNGAL', '4': 'PNEUMOCYSTIS', '5': 'NO_ORGANISM',
    }) }} as infection_type_cd,
    {{ recode('adverse.ae_inf_site_cd', {
        '1': 'BLOODSTREAM', '2': 'LUNG', '3': 'CNS', '4': 'GUT_ABDOMEN', '5': 'SKIN_LINE', '6': 'URINARY', '90': 'OTHER',
    }) }} as infection_site_cd,
    adverse.ae_igg as igg_mg_dl,
    adverse.pull_id
from {{ ref('stg_redcap__adverse_event') }} as adverse
inner join {{ ref('int_form_row__checked') }} as usable
    on
        adverse.patient_key = usable.patient_key
        and adverse.instance_no = usable.instance_no
        and usable.form = 'adverse_event'
        and usable.reason_cd is null
inner join {{ ref('int_subject__recorded') }} as subject on adverse.patient_key = subject.patient_key
