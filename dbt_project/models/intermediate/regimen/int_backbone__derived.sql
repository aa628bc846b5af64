-- Grain: one row per kept record: the backbone by the rules of clinical specification 2, the first that holds. One
-- departure from it: rule 5 asks for its drugs in one course of first induction (over all of induction, as the text has
-- it, part 2 of E1910 with cyclophosphamide after part 1 with asparaginase would read as GRAALL, against the text's own
-- row of E1910, and so would a rescue of C10403). How sure a rule is: macro backbone_is_sure.
with judged as (
    select
        *,
        -- Rules 3 to 11, which look at no TKI.
        case
            when in_one_ind_cvd and not has_anthracycline then 3
            when in_one_ind_cvad and not has_ind_asparaginase then 4
            when in_one_part1_graall then 5
            when has_ind_methotrexate_high and has_ind_asparaginase and has_ind_doxorubicin then 6
            when
                has_part1_daunorubicin and has_part1_vincristine and has_part1_dexamethasone
                and not has_part1_prednisone
                and (has_phase4_methotrexate_high or in_one_post_etoposide_cytarabine)
                then 7
            when
                has_ind_daunorubicin and has_ind_vincristine and has_ind_prednisone_or_dexamethasone
                and has_ind_asparaginase
                and (
                    has_post_methotrexate_escalating or has_post_thioguanine or n_post_asparaginase_phases >= 2
                )
                then 8
            when in_one_post_etoposide_cytarabine_high and not has_cyclophosphamide then 9
            when has_ind_anthracycline and has_ind_vincristine and has_ind_steroid and has_ind_asparaginase then 10
            when has_ind_vincristine and has_ind_steroid and not has_ind_anthracycline then 11
        end as chemotherapy_rule_no,
        -- Induction without any cytotoxic drug; a TKI is none but is not immunotherapy either.
        not has_ind_cytotoxic and (has_ind_inotuzumab or has_blin_induction) as is_immunotherapy_induction,
        is_ph_or_abl_class and (has_tki or has_blin_tki) as is_tki_based
    from {{ ref('int_backbone__evidence') }}
),

ruled as (
    select
        *,
        case
            when is_tki_based then 1
            when is_immunotherapy_induction and not has_ind_tki then 2
            else coalesce(chemotherapy_rule_no, 12)
        end as rule_no,
        -- What a TKI stands on: the rules once more, up to rule 10, as if it were not given.
        case
            when is_tki_based and has_intensive_drug
                then
                    case
                        when is_immunotherapy_induction then 2
                        when chemotherapy_rule_no <= 10 then chemotherapy_rule_no
                    end
        end as base_rule_no
    from judged
),

named as (
    select
        *,
        case rule_no
            when 1 then case when has_intensive_drug then 'TKI_INT' else 'TKI_LOW' end
            when 12 then case when n_induction_courses = 0 or not has_ind_drug then 'UNK' else 'OTHER' end
            else {{ backbone_of_rule('rule_no') }}
        end as derived_cd,
        {{ backbone_of_rule('base_rule_no') }} as base_cd
    from ruled
)

select
    patient_key,
    site_id,
    declared_cd,
    derived_cd,
    base_cd,
    rule_no,
    has_tki,
    has_blin_tki,
    has_anti_cd20,
    has_inotuzumab,
    n_induction_courses,
    n_post_courses,
    has_ind_drug,
    has_post_drug,
    pull_id,
    case
        when not has_ind_drug and not has_post_drug and rule_no = 12 then 'DECLARED'
        -- A TKI on intensive drugs is as sure as what it stands on.
        when {{ backbone_is_sure("case when rule_no = 1 and has_intensive_drug then base_rule_no else rule_no end") }}
            then 'HIGH'
        else 'PROBABLE'
    end as confidence_cd
from named
