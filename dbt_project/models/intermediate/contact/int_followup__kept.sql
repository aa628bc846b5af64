-- Grain: one row per counted follow-up contact, its codes in words.
select
    followup.patient_key,
    usable.site_id,
    followup.instance_no,
    usable.row_date as contact_date,
    {{ recode('followup.fu_vital_cd', {'1': 'ALIVE', '2': 'DEAD'}, 'UNK') }} as vital_cd,
    {{ recode('followup.fu_remission_cd', {
        '1': 'CR_MRD_NEG', '2': 'CR_MRD_POS', '3': 'CR_MRD_UNK', '4': 'RELAPSED_REFRACTORY',
    }, 'UNK') }} as remission_cd,
    {{ recode('followup.fu_therapy_cd', {
        '0': 'OFF', '1': 'CONSOLIDATION', '2': 'MAINTENANCE', '3': 'POST_TRANSPLANT', '4': 'SALVAGE',
    }, 'UNK') }} as therapy_cd,
    {{ recode('followup.fu_source_cd', {
        '1': 'VISIT', '2': 'CHART_REVIEW', '3': 'PHONE_PORTAL', '4': 'OUTSIDE_RECORDS', '5': 'DEATH_INDEX',
    }, 'UNK') }} as source_cd,
    -- A statement on the disease: ends what relapse-free time can be counted to, where a mere contact does not.
    coalesce(followup.fu_remission_cd in ('1', '2', '3', '4'), false) as is_disease_evaluation,
    coalesce(followup.fu_ltfu_cd = '1', false) as is_lost,
    case followup.fu_second_ca_cd when '1' then true when '0' then false end as has_second_cancer,
    case
        when
            followup.fu_second_ca_cd = '1'
            and followup.fu_second_ca_date between date '1900-01-01' and subject.counted_through_date
            then followup.fu_second_ca_date
    end as second_cancer_date,
    -- The day that an analysis may use: a second cancer without its own date is dated by the contact that reported
    -- it; one whose own date cannot be (finding D01) has none, the contact does not stand in for it.
    case
        when
            followup.fu_second_ca_cd = '1'
            and coalesce(followup.fu_second_ca_date, usable.row_date)
            between date '1900-01-01' and subject.counted_through_date
            then coalesce(followup.fu_second_ca_date, usable.row_date)
    end as second_cancer_known_date,
    followup.pull_id
from {{ ref('stg_redcap__followup') }} as followup
inner join {{ ref('int_form_row__checked') }} as usable
    on
        followup.patient_key = usable.patient_key
        and followup.instance_no = usable.instance_no
        and usable.form = 'followup'
        and usable.reason_cd is null
inner join {{ ref('int_subject__recorded') }} as subject on followup.patient_key = subject.patient_key
