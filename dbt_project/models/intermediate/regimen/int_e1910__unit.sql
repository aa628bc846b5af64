-- Grain: one row per unit that the comparison with E1910 counts, in order: B a started frontline blinatumomab cycle, C
-- a course of consolidation, interim maintenance or delayed intensification; from the first remission on, before a
-- transplant in it. A course counts only after the intensification before randomisation: the last course of phase 4
-- that began before the first cycle in remission, where there is one.
with remission as (
    select
        response.patient_key,
        response.cr1_date,
        min(hct.hsct_date) as hsct_date
    from {{ ref('int_response__frontline') }} as response
    inner join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
    left join {{ ref('int_hct__kept') }} as hct
        on
            response.patient_key = hct.patient_key
            and response.cr1_date <= hct.hsct_date
            and coalesce(period.progression_date, date '9999-12-31') > hct.hsct_date
    where response.cr1_date is not null
    group by response.patient_key, response.cr1_date
),

in_remission as (
    select
        unit.*,
        min(case when unit.kind_cd = 'BLIN' then unit.start_date end) over (partition by unit.patient_key)
            as first_blin_date
    from {{ ref('int_frontline__unit') }} as unit
    inner join remission
        on
            unit.patient_key = remission.patient_key
            and unit.start_date >= remission.cr1_date
            and unit.start_date < coalesce(remission.hsct_date, date '9999-12-31')
),

intensified as (
    select
        unit.patient_key,
        max(unit.start_date) as intensification_date
    from in_remission as unit
    inner join {{ ref('int_course__kept') }} as course
        on
            unit.patient_key = course.patient_key
            and unit.instance_no = course.instance_no
            and course.tc_phase_cd = '4'
    where unit.form = 'treatment_course' and unit.start_date <= coalesce(unit.first_blin_date, date '9999-12-31')
    group by unit.patient_key
)

select
    unit.patient_key,
    unit.form,
    unit.instance_no,
    unit.start_date,
    unit.end_date,
    case unit.kind_cd when 'BLIN' then 'B' else 'C' end as letter,
    cast(row_number() over (partition by unit.patient_key order by unit.unit_no) as integer) as letter_no,
    row_number() over (partition by unit.patient_key order by unit.unit_no desc) as recency
from in_remission as unit
left join intensified on unit.patient_key = intensified.patient_key
where
    unit.kind_cd = 'BLIN'
    or (
        unit.is_e1910_chemotherapy
        and unit.start_date > coalesce(intensified.intensification_date, date '0001-01-01')
    )
