{#-
  Intervals hold the time and the event of each patient and endpoint, no more and no less: person-time adds up to the time
  (from delayed entry on, in that variant) and the events to the event. Returns the patients for which this is not so.
-#}
{% test person_time_agrees(model, times, same_day_days) %}
with expected as (
    select
        patient_key,
        param_cd,
        event_code,
        case when aval_days = 0 then {{ same_day_days }} else aval_days end as stop_day,
        delayed_entry_day
    from {{ times }}
),

counted as (
    select
        patient_key,
        param_cd,
        is_left_truncated,
        sum(t_stop - t_start) as person_days,
        sum(event) as n_events,
        max(t_stop) as stop_day
    from {{ model }}
    group by patient_key, param_cd, is_left_truncated
),

compared as (
    select
        counted.*,
        expected.stop_day - case when counted.is_left_truncated then expected.delayed_entry_day else 0 end as days_wanted,
        case when expected.event_code = 1 then 1 else 0 end as events_wanted,
        expected.stop_day as stop_wanted
    from counted
    left join expected on counted.patient_key = expected.patient_key and counted.param_cd = expected.param_cd
)

select *
from compared
where
    days_wanted is null
    or abs(person_days - days_wanted) > 0.000001
    or n_events <> events_wanted
    or stop_day <> stop_wanted
{% endtest %}
