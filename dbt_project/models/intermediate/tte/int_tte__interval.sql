-- Grain: patient x endpoint x start day: follow-up from time zero cut at every change strictly inside it. A change on
-- day d counts from just after d, so it closes the interval (.., d]; on day 0 it is baseline, on the last day it comes
-- after the event.
with followed as (
    select
        patient_key,
        site_id,
        param_cd,
        start_date,
        event_code,
        -- Day 0 counts as half a day, so that nobody is dropped.
        case when time_days = 0 then {{ parameter('same_day_days') }} else cast(time_days as double) end as stop_day
    from {{ ref('int_tte__timed') }}
    where has_intervals
),

change as (
    select
        patient_key,
        change_cd,
        change_date
    from {{ ref('int_tte__change') }}
    union all
    select
        patient_key,
        state_kind_cd as change_cd,
        from_date as change_date
    from {{ ref('int_tte__state') }}
),

located as (
    select
        followed.patient_key,
        followed.param_cd,
        {{ days_between('followed.start_date', 'change.change_date') }}
            as day_no,
        {{ recode('change.change_cd', {
            'RELAPSE': 1, 'HSCT': 2, 'BLIN_START': 3, 'BLIN_STOP': 4, 'LINE': 5, 'MRD': 6, 'BACKBONE': 7,
        }) }} as reason_order,
        followed.stop_day
    from followed
    inner join change on followed.patient_key = change.patient_key
),

cut as (
    select
        patient_key,
        param_cd,
        cast(0 as double) as t_start,
        0 as reason_order
    from followed
    union all
    select
        patient_key,
        param_cd,
        cast(day_no as double) as t_start,
        min(reason_order) as reason_order
    from located
    where day_no > 0 and day_no < stop_day
    group by patient_key, param_cd, day_no
),

divided as (
    select
        patient_key,
        param_cd,
        t_start,
        reason_order,
        lead(t_start) over (partition by patient_key, param_cd order by t_start) as t_next
    from cut
)

select
    divided.patient_key,
    followed.site_id,
    divided.param_cd,
    followed.start_date,
    divided.t_start,
    coalesce(divided.t_next, followed.stop_day) as t_stop,
    {{ add_days('followed.start_date', 'cast(divided.t_start as integer)') }} as from_date,
    case when divided.t_next is null then followed.event_code else 0 end as event_code,
    {{ recode('divided.reason_order', {
        0: 'ORIGIN', 1: 'RELAPSE', 2: 'HSCT', 3: 'BLIN_START', 4: 'BLIN_STOP', 5: 'LINE', 6: 'MRD', 7: 'BACKBONE',
    }) }} as interval_reason
from divided
inner join followed on divided.patient_key = followed.patient_key and divided.param_cd = followed.param_cd
