with other_regimen as (
    -- Frontline courses whose own regimen, where the site names one, is another than the backbone that counts.
    select
        course.patient_key,
        sum(
            case
                when reported.backbone_cd not in ('OTHER', 'UNK') and reported.backbone_cd <> final.final_cd then 1
                else 0
            end
        ) as n_courses
    from {{ ref('int_frontline__course') }} as course
    inner join {{ ref('int_backbone__final') }} as final on course.patient_key = final.patient_key
    left join {{ ref('backbone') }} as reported on course.regimen_reported_cd = reported.plan_backbone_cd
    group by course.patient_key
)

select
    final.patient_key,
    final.site_id,
    final.declared_cd as backbone_declared_cd,
    final.derived_cd as backbone_derived_cd,
    final.final_cd as backbone_final_cd,
    final.confidence_cd as backbone_confidence_cd,
    final.final_source_cd as backbone_source_cd,
    final.is_conflict as backbone_conflict,
    regimen.backbone_group as backbone_group_cd,
    cast(final.rule_no as integer) as rule_no,
    final.base_cd as base_backbone_cd,
    final.has_tki,
    final.has_anti_cd20,
    final.has_inotuzumab,
    final.n_induction_courses,
    final.n_post_courses,
    final.has_ind_drug as has_induction_drugs,
    final.has_post_drug as has_post_drugs,
    cast(coalesce(other_regimen.n_courses, 0) as integer) as n_courses_other_regimen,
    'treatment_course' as source_form,
    final.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_backbone__final') }} as final
inner join {{ ref('backbone') }} as regimen on final.final_cd = regimen.backbone_cd
left join other_regimen on final.patient_key = other_regimen.patient_key
