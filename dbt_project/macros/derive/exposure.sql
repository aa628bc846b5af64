{#-
  A recorded infusion time on the clock on which elapsed hours are counted.
  Clock times known: the instant (naive UTC where the site has a time zone, else the clock as it stands).
  Dates only: midnight of the day as a label, so that differences are whole days of 24 h whatever the clocks did in between.
-#}
{% macro infusion_clock(local_timestamp, is_whole_days, time_zone) -%}
    case
        when {{ is_whole_days }} then {{ start_of_day(date_of(local_timestamp)) }}
        else {{ to_utc(local_timestamp, time_zone) }}
    end
{%- endmacro %}

{#- A gap between two instants in whole minutes: thresholds are compared after rounding to the minute. -#}
{% macro gap_minutes(from_timestamp, to_timestamp) -%}
    cast(round({{ seconds_between(from_timestamp, to_timestamp) }} / 60.0) as integer)
{%- endmacro %}

{#- Why a segment ended, grouped (clinical specification 3): dictionary codes of sg_end_reason. -#}
{% macro interruption_cause(reason_cd) -%}
    case
        when {{ reason_cd }} in ('3', '4', '5', '6') then 'TOXICITY'
        when {{ reason_cd }} in ('7', '8', '9', '10') then 'DEVICE_LOGISTICS'
        when {{ reason_cd }} is not null then 'OTHER'
        else 'UNKNOWN'
    end
{%- endmacro %}

{#- A value that may not exceed a limit; null stays null. -#}
{% macro capped(expression, limit) -%}
    case when {{ expression }} > {{ limit }} then {{ limit }} else {{ expression }} end
{%- endmacro %}

{#- Class of a gap of so many minutes between two stretches of one cycle; null where there is none. -#}
{% macro gap_class(minutes) -%}
    case
        when {{ minutes }} > {{ parameter('new_cycle_gap_h') }} * 60 then 'NEW_CYCLE'
        when {{ minutes }} >= {{ parameter('interrupt_long_h') }} * 60 then 'LONG'
        when {{ minutes }} >= {{ parameter('interrupt_h') }} * 60 then 'INTERRUPTION'
        when {{ minutes }} > {{ parameter('bag_gap_h') }} * 60 then 'SHORT'
        when {{ minutes }} > 0 then 'BAG_CHANGE'
    end
{%- endmacro %}

{#-
  What the change of clocks does to a local time: NONEXISTENT (skipped in spring), AMBIGUOUS (comes twice in autumn; the
  instant taken is the one the engine takes, the other lies an hour off), else OK; null without zone.
-#}
{% macro clock_fault(local_timestamp, time_zone) -%}
    {%- set instant = to_utc(local_timestamp, time_zone) -%}
    case
        when {{ time_zone }} is null or {{ local_timestamp }} is null then null
        when {{ to_local(instant, time_zone) }} <> {{ local_timestamp }} then 'NONEXISTENT'
        when
            {{ to_local(dbt.dateadd('hour', 1, instant), time_zone) }} = {{ local_timestamp }}
            or {{ to_local(dbt.dateadd('hour', -1, instant), time_zone) }} = {{ local_timestamp }}
            then 'AMBIGUOUS'
        else 'OK'
    end
{%- endmacro %}

{#-
  Time and dose are added up exactly and divided once, at the end: time in whole seconds, dose in mcg/day x seconds (a decimal
  with nine places, columns `..._mcg_day_s`). The same rows give the same digits in whatever order an engine meets them, and
  three thirds of an hour are an hour.
-#}

{#-
  Dose of so many seconds at a rate in mcg/day, in mcg/day x seconds. 27 digits and the 10 of an integer are the most that every
  engine multiplies without rounding.
-#}
{% macro dose_of(rate_mcg_day, seconds) -%}
    cast({{ rate_mcg_day }} as decimal(27, 9)) * cast({{ seconds }} as integer)
{%- endmacro %}

{#- Sum of whole seconds, null where there is none. -#}
{% macro sum_seconds(seconds) -%}
    cast(sum({{ seconds }}) as bigint)
{%- endmacro %}

{#- Whole seconds as hours and as days of 24 h; mcg/day x seconds as mcg. -#}
{% macro in_hours(seconds) -%}
    cast({{ seconds }} as double) / 3600.0
{%- endmacro %}
{% macro in_days(seconds) -%}
    cast({{ seconds }} as double) / 86400.0
{%- endmacro %}
{% macro in_mcg(mcg_day_s) -%}
    cast({{ mcg_day_s }} as double) / 86400.0
{%- endmacro %}

{#- A quotient as a table shows it: nine decimals. -#}
{% macro settled(expression) -%}
    round({{ expression }}, 9)
{%- endmacro %}
