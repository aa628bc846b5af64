-- Grain: one row per unit of frontline therapy in order of start: course, maintenance, blinatumomab cycle. Prephase and
-- courses of intrathecal therapy alone are no units. On one and the same day a course comes before a cycle.
with course as (
    select
        *,
        coalesce(
            has_tki
            and not has_steroid
            and not has_cytotoxic
            and not has_anti_cd20
            and not has_inotuzumab,
            false
        ) as is_tki_alone
    from {{ ref('int_frontline__course') }}
),

unit as (
    select
        course.patient_key,
        'treatment_course' as form,
        course.instance_no,
        case when course.tc_phase_cd = '8' then 'MAINTENANCE' else 'COURSE' end as kind_cd,
        course.start_date,
        -- Still running: to the last day that counts. Called finished without an end: not past its start.
        case
            when course.is_running then subject.counted_through_date
            else coalesce(course.end_date, course.start_date)
        end as end_date,
        case
            when course.tc_phase_cd = '8' and course.has_methotrexate_oral and course.has_mercaptopurine
                then 'POMP_MAINT'
            when course.tc_phase_cd = '8' then 'MAINT'
            when coalesce(reported.backbone_cd, 'UNK') <> 'UNK' then reported.backbone_cd
            else final.final_cd
        end as family_cd,
        course.is_tki_alone,
        -- What E1910 counts as chemotherapy: phases 5 to 7, more than a TKI alone.
        coalesce(course.tc_phase_cd in ('5', '6', '7') and not course.is_tki_alone, false) as is_e1910_chemotherapy
    from course
    inner join {{ ref('int_subject__recorded') }} as subject on course.patient_key = subject.patient_key
    inner join {{ ref('int_backbone__final') }} as final on course.patient_key = final.patient_key
    left join {{ ref('backbone') }} as reported on course.regimen_reported_cd = reported.plan_backbone_cd
    where
        coalesce(course.tc_phase_cd, '90') <> '1'
        and (course.has_any_drug or not course.has_intrathecal)
    union all
    select
        blin_cycle.patient_key,
        'blin_cycle' as form,
        blin_cycle.cycle_instance_no as instance_no,
        case blin_cycle.line_cd when 'FRONTLINE' then 'BLIN' else 'BLIN_MRD' end as kind_cd,
        blin_cycle.start_date,
        coalesce(blin_cycle.end_date, blin_cycle.start_date) as end_date,
        case blin_cycle.line_cd when 'FRONTLINE' then 'BLIN' else 'BLIN_MRD' end as family_cd,
        false as is_tki_alone,
        false as is_e1910_chemotherapy
    from {{ ref('int_blin_cycle__started') }} as blin_cycle
    inner join {{ ref('int_frontline__period') }} as period
        on blin_cycle.patient_key = period.patient_key and blin_cycle.start_date <= period.frontline_end_date
    where blin_cycle.line_cd in ('FRONTLINE', 'MRD_DIRECTED')
)

select
    *,
    cast(
        row_number() over (
            partition by patient_key
            order by start_date, case when form = 'treatment_course' then 0 else 1 end, instance_no
        ) as integer
    ) as unit_no
from unit
