-- Grain: one row per started blinatumomab cycle: the cycle before it, what lies in the gap from its end to this start,
-- and what came last before this start. A course lies in the gap when it starts in it or runs on into it; where the end
-- of the cycle before is not known, the gap is taken from its start.
with started as (
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

cycle as (
    select
        *,
        coalesce(previous_end_date, previous_start_date) as gap_start_date
    from started
),

earlier as (
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        treatment.treatment_cd,
        treatment.start_date,
        treatment.end_date,
        treatment.instance_no,
        cycle.previous_end_date is null as is_gap_unknown,
        coalesce(cycle.gap_start_date < treatment.start_date, false) as starts_in_gap,
        coalesce(
            case
                when treatment.treatment_cd = 'HSCT' then cycle.previous_start_date < treatment.start_date
                else
                    cycle.gap_start_date < treatment.start_date
                    or cycle.gap_start_date < treatment.end_date
                    or (cycle.gap_start_date is not null and treatment.is_running)
            end,
            false
        ) as is_between
    from cycle
    inner join {{ ref('int_therapy__classed') }} as treatment
        on cycle.patient_key = treatment.patient_key and cycle.cycle_start_date > treatment.start_date
    where treatment.treatment_cd <> 'INTRATHECAL'
),

chosen as (
    -- What lies between comes first, of it the last to start; of one day a transplant, then chemotherapy, the rest.
    select
        *,
        row_number() over (
            partition by patient_key, cycle_instance_no
            order by
                case when is_between then 0 else 1 end asc,
                start_date desc,
                case treatment_cd when 'HSCT' then 0 when 'CHEMOTHERAPY' then 1 else 2 end asc,
                coalesce(end_date, date '9999-12-31') desc,
                instance_no desc
        ) as choice_no
    from earlier
),

counted as (
    select
        patient_key,
        cycle_instance_no,
        -- Not known where the gap is not, and a course may have started in it.
        case
            when max(case when is_gap_unknown and starts_in_gap and treatment_cd = 'CHEMOTHERAPY' then 1 else 0 end) = 0
                then sum(case when starts_in_gap and treatment_cd = 'CHEMOTHERAPY' then 1 else 0 end)
        end as n_chemo_between,
        max(case when is_between and treatment_cd = 'CHEMOTHERAPY' then 1 else 0 end) as has_chemo_between,
        sum(case when is_between and treatment_cd = 'HSCT' then 1 else 0 end) as n_hsct_between,
        max(case when choice_no = 1 then treatment_cd end) as last_treatment_cd,
        max(case when choice_no = 1 then end_date end) as last_treatment_end_date
    from chosen
    group by patient_key, cycle_instance_no
)

select
    cycle.patient_key,
    cycle.cycle_instance_no,
    cycle.cycle_overall_no,
    cycle.cycle_start_date,
    cycle.previous_start_date,
    cycle.previous_end_date,
    case
        when cycle.previous_start_date is null then null
        when counted.patient_key is null then 0
        else counted.n_chemo_between
    end as n_chemo_between,
    coalesce(counted.has_chemo_between, 0) = 1 as has_chemo_between,
    case when cycle.previous_start_date is not null then coalesce(counted.n_hsct_between, 0) end as n_hsct_between,
    case
        when
            cycle.previous_start_date is not null
            and coalesce(counted.has_chemo_between, 0) + coalesce(counted.n_hsct_between, 0) = 0
            then 'BLINATUMOMAB'
        else coalesce(counted.last_treatment_cd, 'NONE')
    end as predecessor_cd,
    counted.last_treatment_end_date
from cycle
left join counted
    on cycle.patient_key = counted.patient_key and cycle.cycle_instance_no = counted.cycle_instance_no
