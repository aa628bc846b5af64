with blin as (
    select
        patient_key,
        min(unit_no) as first_no,
        max(unit_no) as last_no,
        count(*) as n_cycles
    from {{ ref('int_frontline__unit') }}
    where kind_cd = 'BLIN'
    group by patient_key
),

course as (
    select
        unit.patient_key,
        count(*) as n_courses,
        -- Around the cycles only what holds more than a TKI counts: a TKI given beside them interleaves nothing.
        sum(case when not unit.is_tki_alone and unit.unit_no < blin.first_no then 1 else 0 end) as n_before,
        sum(
            case
                when not unit.is_tki_alone and unit.unit_no > blin.first_no and unit.unit_no < blin.last_no then 1
                else 0
            end
        ) as n_between,
        sum(case when not unit.is_tki_alone and unit.unit_no > blin.last_no then 1 else 0 end) as n_after,
        count(distinct unit.family_cd) as n_families
    from {{ ref('int_frontline__unit') }} as unit
    left join blin on unit.patient_key = blin.patient_key
    where unit.kind_cd = 'COURSE'
    group by unit.patient_key
),

first_course as (
    select
        patient_key,
        family_cd,
        row_number() over (partition by patient_key order by unit_no) as course_no
    from {{ ref('int_frontline__unit') }}
    where kind_cd = 'COURSE'
)

select
    subject.patient_key,
    subject.site_id,
    coalesce(pattern.sequence_pattern, '') as sequence_pattern,
    case
        when blin.patient_key is null then 'NO_BLIN'
        when coalesce(course.n_before + course.n_between + course.n_after, 0) = 0 then 'BLIN_ONLY'
        when course.n_between > 0 or (course.n_before > 0 and course.n_after > 0) then 'INTERLEAVED'
        when course.n_before > 0 then 'SEQUENTIAL'
        else 'BLIN_FIRST'
    end as schedule_cd,
    cast(coalesce(course.n_courses, 0) as integer) as n_courses,
    cast(coalesce(blin.n_cycles, 0) as integer) as n_blin_cycles,
    cast(case when blin.patient_key is not null then coalesce(course.n_before, 0) end as integer)
        as n_courses_before_first_blin,
    cast(case when blin.patient_key is not null then coalesce(course.n_between, 0) end as integer)
        as n_courses_between_blin,
    cast(case when blin.patient_key is not null then coalesce(course.n_after, 0) end as integer)
        as n_courses_after_last_blin,
    first_course.family_cd as first_backbone_family_cd,
    cast(coalesce(course.n_families, 0) as integer) as n_backbone_families,
    e1910.string as e1910_string,
    e1910.status_cd as e1910_status_cd,
    e1910.n_blin as e1910_n_blin,
    e1910.prefix_match as e1910_prefix_match,
    e1910.distance as e1910_distance,
    e1910.category_cd as e1910_category_cd,
    subject.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_subject__recorded') }} as subject
left join {{ ref('int_sequence__pattern') }} as pattern on subject.patient_key = pattern.patient_key
left join {{ ref('int_e1910__concordance') }} as e1910 on subject.patient_key = e1910.patient_key
left join blin on subject.patient_key = blin.patient_key
left join course on subject.patient_key = course.patient_key
left join first_course on subject.patient_key = first_course.patient_key and first_course.course_no = 1
