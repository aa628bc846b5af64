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
    round({{ hours_between(from_timestamp, to_timestamp) }} * 60)
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
