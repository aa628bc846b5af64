{#-
  A date of which parts may be unknown, as a project without a precision field records it: one text (`2024-03-15`, `2024-03`,
  `2024`, `UN-UNK-2024`, `15-MAR-2024`) or one field each for day, month and year.

  Becomes what the study's own dictionary asks sites to enter: the 15th where only the month is known, 1 July where only the
  year is, and beside it how exact the date is (1 day, 2 month, 3 year, 9 unknown). A day without its month says no more than
  the year. What is no date stays as it was typed, so that staging rejects and counts it; a missing-data code stays too.
-#}

{% macro partial_date(column_plan, relation) -%}
    {%- set raw = partial_date_text(column_plan, relation) -%}
    {%- set year, month, day = partial_date_parts(column_plan, relation) -%}
    case
        when {{ is_missing_code(raw) }} then {{ raw }}
        when {{ is_unknown_part(year) }} and {{ is_unknown_part(month) }} and {{ is_unknown_part(day) }} then null
        when {{ is_unknown_part(year) }} or length({{ year }}) <> 4 then {{ raw }}
        when {{ is_unknown_part(month) }} then {{ year }} || '-07-01'
        when {{ is_unknown_part(day) }} then {{ year }} || '-' || {{ two_digits(month_number(month)) }} || '-15'
        else {{ year }} || '-' || {{ two_digits(month_number(month)) }} || '-' || {{ two_digits(day) }}
    end
{%- endmacro %}

{% macro partial_date_precision(column_plan, relation) -%}
    {%- set raw = partial_date_text(column_plan, relation) -%}
    {%- set year, month, day = partial_date_parts(column_plan, relation) -%}
    case
        when {{ raw }} is null then null
        when {{ is_missing_code(raw) }} then {{ raw }}
        when {{ is_unknown_part(year) }} and {{ is_unknown_part(month) }} and {{ is_unknown_part(day) }} then '9'
        when {{ is_unknown_part(year) }} or length({{ year }}) <> 4 then null
        when {{ is_unknown_part(month) }} then '3'
        when {{ is_unknown_part(day) }} then '2'
        else '1'
    end
{%- endmacro %}

{#- What was typed: the text, or the three fields joined by hyphens; null when none was filled. A missing-data code in the
    field of the year stands for the whole date. -#}
{% macro partial_date_text(column_plan, relation) -%}
    {%- set fields = column_plan.fields -%}
    {%- if fields | length == 1 -%} {{ source_value(relation, fields[0]) }}
    {%- else -%}
        {%- set year = source_value(relation, fields[column_plan.unit.index('y')]) -%}
        case
            when {{ is_missing_code(year) }} then {{ year }}
            when coalesce({% for name in fields %}{{ source_value(relation, name) }}{{ ', ' if not loop.last }}{% endfor %}) is not null
                then {% for name in fields %}coalesce({{ source_value(relation, name) }}, ''){{ " || '-' || " if not loop.last }}{% endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{#- Year, month and day as texts. One text with the year first (four signs) is read in that order whatever the map says; one
    of more than three parts is all of it the year, which no year is. -#}
{% macro partial_date_parts(column_plan, relation) -%}
    {%- set fields, order = column_plan.fields, column_plan.unit -%}
    {%- if fields | length == 3 -%}
        {{ return(partial_date_fields(fields, order, relation)) }}
    {%- endif -%}
    {%- set dotted = "replace(replace(replace(" ~ source_value(relation, fields[0]) ~ ", '/', '.'), '-', '.'), ' ', '.')" -%}
    {%- set found = [] -%}
    {%- for part in 'ymd' -%}
        {%- set two_parts = order | replace('d', '') -%}
        {%- do found.append(
            "case when " ~ dotted ~ " like '%.%.%.%' then " ~ dotted
            ~ " when length(split_part(" ~ dotted ~ ", '.', 1)) = 4 then split_part(" ~ dotted ~ ", '.', " ~ loop.index ~ ")"
            ~ " when " ~ dotted ~ " like '%.%.%' then split_part(" ~ dotted ~ ", '.', " ~ (order.index(part) + 1) ~ ")"
            ~ " else " ~ ("''" if part == 'd' else "split_part(" ~ dotted ~ ", '.', " ~ (two_parts.index(part) + 1) ~ ")")
            ~ " end"
        ) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro partial_date_fields(fields, order, relation) -%}
    {%- set found = [] -%}
    {%- for part in 'ymd' -%}{%- do found.append(source_value(relation, fields[order.index(part)])) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Blank, a missing-data code, or one of the usual signs for "not known". -#}
{% macro is_unknown_part(part) -%}
    {%- set signs = ['', 'UN', 'UNK', 'XX', '0', '00', '99'] + missing_data_codes() -%}
    upper(coalesce({{ part }}, '')) in ({% for sign in signs %}{{ sql_text(sign | upper) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- English three-letter names of months as numbers; anything else as it is. -#}
{% macro month_number(month) -%}
    case upper({{ month }})
    {%- for name in ('JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC') %} when '{{ name }}' then '{{ loop.index }}'{% endfor %}
        else {{ month }}
    end
{%- endmacro %}

{% macro two_digits(text) -%}
    case when length({{ text }}) <= 2 then lpad({{ text }}, 2, '0') else {{ text }} end
{%- endmacro %}
