-- Grain: patient x kind of state x day from which it holds: MRD by flow (POS, NEG; a failed or unverified test changes
-- nothing), line of the latest therapy after the first line and backbone family of the latest course that names one, as
-- long as they stay the same.
with observed as (
    select
        patient_key,
        'MRD' as state_kind_cd,
        sample_date as from_date,
        case when mrd_cd = 'NEG' then 'NEG' else 'POS' end as state_cd,
        -- On one day marrow before blood.
        case sample_cd when 'MARROW' then 1 when 'BLOOD' then 2 else 3 end as choice_order,
        instance_no
    from {{ ref('int_mrd__classified') }}
    where method_cd = 'FLOW' and mrd_cd in ('NEG', 'POS', 'POS_BELOW_LOQ')
    union all
    select
        course.patient_key,
        'BACKBONE' as state_kind_cd,
        course.start_date as from_date,
        backbone.backbone_cd as state_cd,
        1 as choice_order,
        course.instance_no
    from {{ ref('int_course__kept') }} as course
    inner join {{ ref('backbone') }} as backbone
        on course.regimen_reported_cd = backbone.plan_backbone_cd and backbone.backbone_cd <> 'UNK'
    union all
    select
        patient_key,
        'LINE' as state_kind_cd,
        start_date as from_date,
        cast(line_no as varchar) as state_cd,
        -- Therapies that start on one day have one line.
        1 as choice_order,
        instance_no
    from {{ ref('int_therapy__line') }}
    -- It is 1 before any therapy, too: the first therapy changes no line.
    where line_no > 1
),

daily as (
    select
        *,
        row_number() over (
            partition by patient_key, state_kind_cd, from_date order by choice_order, instance_no, state_cd
        ) as choice_no
    from observed
),

compared as (
    select
        patient_key,
        state_kind_cd,
        from_date,
        state_cd,
        lag(state_cd) over (partition by patient_key, state_kind_cd order by from_date) as previous_state_cd
    from daily
    where choice_no = 1
),

changed as (
    select
        patient_key,
        state_kind_cd,
        from_date,
        state_cd
    from compared
    where previous_state_cd is null or previous_state_cd <> state_cd
)

select
    patient_key,
    state_kind_cd,
    from_date,
    state_cd,
    -- First day on which it no longer holds; null while it does.
    lead(from_date) over (partition by patient_key, state_kind_cd order by from_date) as until_date
from changed
