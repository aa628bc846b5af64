{#- Engine differences of dates and instants stand here and nowhere else. Instants are naive UTC timestamps. -#}

{#- Naive local wall clock to naive UTC; a null zone means that the clock is taken as it stands. -#}
{% macro to_utc(local_timestamp, time_zone) -%}
    {{ return(adapter.dispatch('to_utc', 'blin')(local_timestamp, time_zone)) }}
{%- endmacro %}
{% macro default__to_utc(local_timestamp, time_zone) -%}
    coalesce(({{ local_timestamp }} at time zone {{ time_zone }}) at time zone 'UTC', {{ local_timestamp }})
{%- endmacro %}
{% macro spark__to_utc(local_timestamp, time_zone) -%}
    coalesce(to_utc_timestamp({{ local_timestamp }}, {{ time_zone }}), {{ local_timestamp }})
{%- endmacro %}
{% macro trino__to_utc(local_timestamp, time_zone) -%}
    coalesce(
        cast(with_timezone({{ local_timestamp }}, {{ time_zone }}) at time zone 'UTC' as timestamp), {{ local_timestamp }}
    )
{%- endmacro %}

{#- Naive UTC to naive local wall clock; a null zone means UTC is the clock. -#}
{% macro to_local(utc_timestamp, time_zone) -%}
    {{ return(adapter.dispatch('to_local', 'blin')(utc_timestamp, time_zone)) }}
{%- endmacro %}
{% macro default__to_local(utc_timestamp, time_zone) -%}
    coalesce(({{ utc_timestamp }} at time zone 'UTC') at time zone {{ time_zone }}, {{ utc_timestamp }})
{%- endmacro %}
{% macro spark__to_local(utc_timestamp, time_zone) -%}
    coalesce(from_utc_timestamp({{ utc_timestamp }}, {{ time_zone }}), {{ utc_timestamp }})
{%- endmacro %}
{% macro trino__to_local(utc_timestamp, time_zone) -%}
    coalesce(
        cast(at_timezone(with_timezone({{ utc_timestamp }}, 'UTC'), {{ time_zone }}) as timestamp), {{ utc_timestamp }}
    )
{%- endmacro %}

{#- Elapsed whole seconds between two instants (both in UTC, or both on one unshifted clock): sums of them are exact. -#}
{% macro seconds_between(from_timestamp, to_timestamp) -%}
    {{ dbt.datediff(from_timestamp, to_timestamp, 'second') }}
{%- endmacro %}

{#- Whole days between two dates: to minus from. -#}
{% macro days_between(from_date, to_date) -%}
    {{ dbt.datediff(from_date, to_date, 'day') }}
{%- endmacro %}

{#- A date moved by a number of days (may be negative). -#}
{% macro add_days(date_expression, days) -%}
    cast({{ dbt.dateadd('day', days, date_expression) }} as date)
{%- endmacro %}

{#- The date of an instant or local timestamp. -#}
{% macro date_of(timestamp_expression) -%}
    cast({{ timestamp_expression }} as date)
{%- endmacro %}

{#- Midnight at the start of a date, as a naive timestamp. -#}
{% macro start_of_day(date_expression) -%}
    cast({{ date_expression }} as timestamp)
{%- endmacro %}

{#- First and last day of the month and the year of a date. -#}
{% macro first_of_month(date_expression) -%}
    cast({{ dbt.date_trunc('month', date_expression) }} as date)
{%- endmacro %}
{% macro last_of_month(date_expression) -%}
    cast({{ dbt.last_day(date_expression, 'month') }} as date)
{%- endmacro %}
{% macro first_of_year(date_expression) -%}
    cast({{ dbt.date_trunc('year', date_expression) }} as date)
{%- endmacro %}
{% macro last_of_year(date_expression) -%}
    cast({{ dbt.last_day(date_expression, 'year') }} as date)
{%- endmacro %}
