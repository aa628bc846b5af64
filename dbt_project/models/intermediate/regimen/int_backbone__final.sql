-- Grain: one row per kept record: the backbone that counts. Derived where the rules are sure, else the site's word,
-- else derived all the same, else unknown; and whether rules and site contradict each other.
select
    patient_key,
    site_id,
    declared_cd,
    derived_cd,
    confidence_cd,
    rule_no,
    base_cd,
    case
        when confidence_cd = 'HIGH' then derived_cd
        when declared_cd not in ('OTHER', 'UNK') then declared_cd
        else derived_cd
    end as final_cd,
    case
        when confidence_cd = 'HIGH' then 'DERIVED'
        when declared_cd not in ('OTHER', 'UNK') then 'DECLARED'
        when derived_cd <> 'UNK' then 'DERIVED'
        else 'UNKNOWN'
    end as final_source_cd,
    declared_cd not in ('OTHER', 'UNK') and derived_cd not in ('OTHER', 'UNK') and declared_cd <> derived_cd
        as is_conflict,
    has_tki or has_blin_tki as has_tki,
    has_anti_cd20,
    has_inotuzumab,
    n_induction_courses,
    n_post_courses,
    has_ind_drug,
    has_post_drug,
    pull_id
from {{ ref('int_backbone__derived') }}
