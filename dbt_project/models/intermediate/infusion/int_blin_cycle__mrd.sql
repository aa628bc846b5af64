-- Grain: one row per dated blinatumomab cycle: the last MRD result in the remission in force (for the context), the
-- last one of the 42 days before start, and the first one of the window after it (21 days after start to the next
-- cycle, chemotherapy or transplant, 56 days at most). Results of one day: marrow before blood, flow before the
-- other methods. A failed test is no result.
with cycle as (
    select
        disease.patient_key,
        disease.cycle_instance_no,
        disease.cycle_start_date,
        disease.cr_date,
        numbered.cycle_overall_no
    from {{ ref('int_blin_cycle__disease') }} as disease
    inner join {{ ref('int_blin_cycle__numbered') }} as numbered
        on disease.patient_key = numbered.patient_key and disease.cycle_instance_no = numbered.cycle_instance_no
),

therapy as (
    select
        patient_key,
        start_date
    from {{ ref('int_therapy__classed') }}
    where treatment_cd in ('CHEMOTHERAPY', 'HSCT')
    union all
    select
        patient_key,
        cycle_start_date as start_date
    from cycle
),

next_therapy as (
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        min(therapy.start_date) as next_date
    from cycle
    inner join therapy on cycle.patient_key = therapy.patient_key and cycle.cycle_start_date < therapy.start_date
    group by cycle.patient_key, cycle.cycle_instance_no
),

bounded as (
    select
        cycle.*,
        {{ earliest_date([
            'next_therapy.next_date', add_days('cycle.cycle_start_date', parameter('after_blin_to_days'))
        ]) }} as after_until_date,
        {{ add_days('cycle.cycle_start_date', parameter('after_blin_from_days')) }} as after_from_date
    from cycle
    left join next_therapy
        on
            cycle.patient_key = next_therapy.patient_key
            and cycle.cycle_instance_no = next_therapy.cycle_instance_no
),

placed as (
    select
        bounded.patient_key,
        bounded.cycle_instance_no,
        bounded.cycle_start_date,
        mrd.sample_date,
        mrd.mrd_cd,
        mrd.is_under_1e_4,
        mrd.level_frac,
        mrd.method_cd,
        case when mrd.sample_date <= bounded.cycle_start_date then 'BEFORE' else 'AFTER' end as side_cd,
        cast(
            {{ days_between('mrd.sample_date', 'bounded.cycle_start_date') }}
            as integer
        ) as days_before_start,
        row_number() over (
            partition by
                bounded.patient_key,
                bounded.cycle_instance_no,
                case when mrd.sample_date <= bounded.cycle_start_date then 'BEFORE' else 'AFTER' end
            order by
                case when mrd.sample_date <= bounded.cycle_start_date then mrd.sample_date end desc,
                case when mrd.sample_date > bounded.cycle_start_date then mrd.sample_date end asc,
                case mrd.sample_cd when 'MARROW' then 0 else 1 end asc,
                case mrd.method_cd when 'FLOW' then 0 when 'NGS' then 1 else 2 end asc,
                mrd.instance_no asc
        ) as choice_no
    from bounded
    inner join {{ ref('int_mrd__classified') }} as mrd on bounded.patient_key = mrd.patient_key
    where
        mrd.mrd_cd <> 'NE'
        and (
            (mrd.sample_date <= bounded.cycle_start_date and mrd.sample_date >= bounded.cr_date)
            or (
                mrd.sample_date >= bounded.after_from_date
                and mrd.sample_date <= bounded.after_until_date
            )
        )
),

chosen as (
    select
        *,
        side_cd = 'BEFORE' and days_before_start <= {{ parameter('mrd_before_blin_days') }} as is_shortly_before
    from placed
    where choice_no = 1
)


select
    patient_key,
    cycle_instance_no,
    max(case when side_cd = 'BEFORE' then mrd_cd end) as last_mrd_cd,
    max(case when side_cd = 'BEFORE' then case when is_under_1e_4 then 1 when not is_under_1e_4 then 0 end end) = 1
        as is_last_mrd_under_1e_4,
    max(case when is_shortly_before then mrd_cd end) as mrd_before_cd,
    max(case when is_shortly_before then level_frac end) as mrd_before_frac,
    max(case when is_shortly_before then method_cd end) as mrd_before_method_cd,
    max(case when is_shortly_before then days_before_start end) as mrd_before_days,
    max(case when side_cd = 'AFTER' then mrd_cd end) as mrd_after_cd,
    max(case when side_cd = 'AFTER' then method_cd end) as mrd_after_method_cd,
    max(case when side_cd = 'AFTER' then 0 - days_before_start end) as mrd_after_days
from chosen
group by patient_key, cycle_instance_no
