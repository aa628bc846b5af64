-- Grain: one row per counted transplant form, its codes in words.
select
    hct.patient_key,
    usable.site_id,
    hct.instance_no,
    usable.row_date as hsct_date,
    {{ recode('hct.hc_type_cd', {'1': 'ALLOGENEIC', '2': 'AUTOLOGOUS'}, 'UNK') }} as type_cd,
    {{ recode('hct.hc_donor_cd', {
        '1': 'MATCHED_SIBLING', '2': 'MATCHED_UNRELATED', '3': 'MISMATCHED_UNRELATED', '4': 'HAPLOIDENTICAL', '5': 'CORD',
    }, 'UNK') }} as donor_cd,
    {{ recode('hct.hc_source_cd', {'1': 'PERIPHERAL_BLOOD', '2': 'MARROW', '3': 'CORD'}, 'UNK') }} as graft_cd,
    {{ recode(
        'hct.hc_cond_cd', {'1': 'MYELOABLATIVE', '2': 'REDUCED_INTENSITY', '3': 'NON_MYELOABLATIVE'}, 'UNK'
    ) }} as conditioning_cd,
    case hct.hc_tbi_cd when '1' then true when '0' then false end as has_tbi,
    {{ recode('hct.hc_status_cd', {'1': 'CR1', '2': 'CR2', '3': 'CR3_PLUS', '4': 'NOT_IN_CR'}, 'UNK') }}
        as remission_status_cd,
    {{ recode('hct.hc_mrd_cd', {'0': 'NEG', '1': 'POS'}, 'UNK') }} as mrd_pre_reported_cd,
    {{ recode('hct.hc_agvhd_cd', {'0': '0', '1': 'I', '2': 'II', '3': 'III', '4': 'IV'}, 'UNK') }} as acute_gvhd_cd,
    case when hct.hc_agvhd_date between date '1900-01-01' and subject.counted_through_date then hct.hc_agvhd_date end
        as acute_gvhd_date,
    {{ recode('hct.hc_cgvhd_cd', {'0': 'NONE', '1': 'MILD', '2': 'MODERATE', '3': 'SEVERE'}, 'UNK') }}
        as chronic_gvhd_cd,
    hct.pull_id
from {{ ref('stg_redcap__hct') }} as hct
inner join {{ ref('int_form_row__checked') }} as usable
    on
        hct.patient_key = usable.patient_key
        and hct.instance_no = usable.instance_no
        and usable.form = 'hct'
        and usable.reason_cd is null
inner join {{ ref('int_subject__recorded') }} as subject on hct.patient_key = subject.patient_key
