-- Grain: one row per started blinatumomab cycle: the cycle before it, what lies between the two, and what came last
-- before it.
with cycle as (
    select
        numbered.patient_key,
        numbered.cycle_instance_no,
        numbered.cycle_overall_no,
        numbered.cycle_start_date,
        lag(numbered.cycle_start_date) over (
            partition by numbered.patient_key order by numbered.cycle_overall_no
        ) as previous_start_date,
        lag(numbered.cycle_end_date) over (
            partition by numbered.patient_key order by numbered.cycle_overall_no
        ) as previous_end_date
    from {{ ref('int_blin_cycle__numbered') }} as numbered
    inner join {{ ref('int_blin_cycle__judged') }} as judged
        on numbered.patient_key = judged.patient_key and numbered.cycle_instance_no = judged.cycle_instance_no
    where judged.is_started
),

earlier as (
    -- The last to start comes first; of several on one day a transplant before chemotherapy before the rest.
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        treatment.treatment_cd,
        treatment.end_date,
        case
            when cycle.previous_start_date < treatment.start_date and treatment.treatment_cd = 'CHEMOTHERAPY' then 1
            else 0
        end as is_chemotherapy_between,
        case
            when cycle.previous_start_date < treatment.start_date and treatment.treatment_cd = 'HSCT' then 1 else 0
        end as is_hsct_between,
        row_number() over (
            partition by cycle.patient_key, cycle.cycle_instance_no
            order by
                treatment.start_date desc,
                case treatment.treatment_cd when 'HSCT' then 0 when 'CHEMOTHERAPY' then 1 else 2 end asc,
                coalesce(treatment.end_date, date '9999-12-31') desc,
                treatment.instance_no desc
        ) as choice_no
    from cycle
    inner join {{ ref('int_therapy__classed') }} as treatment
        on cycle.patient_key = treatment.patient_key and cycle.cycle_start_date > treatment.start_date
    where treatment.treatment_cd <> 'INTRATHECAL'
),

counted as (
    select
        patient_key,
        cycle_instance_no,
        sum(is_chemotherapy_between) as n_chemo_between,
        sum(is_hsct_between) as n_hsct_between,
        max(case when choice_no = 1 then treatment_cd end) as last_treatment_cd,
        max(case when choice_no = 1 then end_date end) as last_treatment_end_date
    from earlier
    group by patient_key, cycle_instance_no
)

select
    cycle.patient_key,
    cycle.cycle_instance_no,
    cycle.cycle_overall_no,
    cycle.cycle_start_date,
    cycle.previous_start_date,
    cycle.previous_end_date,
    case when cycle.previous_start_date is not null then coalesce(counted.n_chemo_between, 0) end as n_chemo_between,
    case when cycle.previous_start_date is not null then coalesce(counted.n_hsct_between, 0) end as n_hsct_between,
    case
        when
            cycle.previous_start_date is not null
            and coalesce(counted.n_chemo_between, 0) + coalesce(counted.n_hsct_between, 0) = 0
            then 'BLINATUMOMAB'
        else coalesce(counted.last_treatment_cd, 'NONE')
    end as predecessor_cd,
    counted.last_treatment_end_date
from cycle
left join counted
    on cycle.patient_key = counted.patient_key and cycle.cycle_instance_no = counted.cycle_instance_no
