-- Grain: one row per counted response assessment of a patient who had started blinatumomab by that day: the last cycle
-- begun by then, and how long before the assessment it ended and the infusion last ran. Calendar days at the site.
with begun as (
    select
        response.patient_key,
        response.instance_no,
        response.assess_date,
        started.cycle_instance_no,
        started.end_date,
        row_number() over (
            partition by response.patient_key, response.instance_no
            order by started.start_date desc, started.cycle_overall_no desc
        ) as recency
    from {{ ref('int_response__classified') }} as response
    inner join {{ ref('int_blin_cycle__started') }} as started
        on response.patient_key = started.patient_key and response.assess_date >= started.start_date
),

stretch as (
    select
        infused.patient_key,
        infused.cycle_instance_no,
        {{ infusion_date('infused.start_clock', 'measured.is_whole_days', 'subject.time_zone') }} as start_date,
        -- What stops at 24:00 of the last day followed ran on that day.
        {{ earliest_date([
            infusion_date('infused.stop_clock', 'measured.is_whole_days', 'subject.time_zone'),
            'subject.followed_through_date',
        ]) }} as stop_date
    from {{ ref('int_blin_cycle__interval') }} as infused
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            infused.patient_key = measured.patient_key
            and infused.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_subject__horizon') }} as subject on infused.patient_key = subject.patient_key
),

infused as (
    -- Last day of each cycle on which it is known to have run. Of an upper bound only the end is known.
    select
        begun.patient_key,
        begun.instance_no,
        begun.assess_date,
        begun.recency,
        coalesce(
            max(case when stretch.stop_date >= begun.assess_date then begun.assess_date else stretch.stop_date end),
            max(case when begun.end_date <= begun.assess_date then begun.end_date end)
        ) as last_date
    from begun
    left join stretch
        on
            begun.patient_key = stretch.patient_key
            and begun.cycle_instance_no = stretch.cycle_instance_no
            and begun.assess_date >= stretch.start_date
    group by begun.patient_key, begun.instance_no, begun.assess_date, begun.recency
),

combined as (
    select
        patient_key,
        instance_no,
        max(last_date) as last_date,
        -- An earlier cycle is over when the next begins, known or not.
        max(case when recency = 1 and last_date is null then 1 else 0 end) = 1 as is_latest_unknown
    from infused
    group by patient_key, instance_no
)

select
    begun.patient_key,
    begun.instance_no,
    begun.cycle_instance_no,
    -- 0 while it was running.
    case
        when begun.end_date > begun.assess_date then 0
        else {{ days_between('begun.end_date', 'begun.assess_date') }}
    end as days_since_cycle_end,
    case
        when combined.last_date = begun.assess_date then 0
        when not combined.is_latest_unknown then {{ days_between('combined.last_date', 'begun.assess_date') }}
    end as n_days_off_blin
from begun
inner join combined on begun.patient_key = combined.patient_key and begun.instance_no = combined.instance_no
where begun.recency = 1
