-- Grain: one row per unit that the comparison with E1910 counts, in order: B a started frontline blinatumomab cycle, C
-- a course of consolidation, interim maintenance or delayed intensification; from the first remission on, before a
-- transplant in it.
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
from {{ ref('int_frontline__unit') }} as unit
inner join remission
    on
        unit.patient_key = remission.patient_key
        and unit.start_date >= remission.cr1_date
        and unit.start_date < coalesce(remission.hsct_date, date '9999-12-31')
where unit.kind_cd = 'BLIN' or unit.is_e1910_chemotherapy
