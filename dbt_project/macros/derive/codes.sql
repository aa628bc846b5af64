{#- Dictionary codes to the words that marts use: recode('sex_cd', {'1': 'M'}, 'UNK'). -#}
{% macro recode(column, words, otherwise=none) -%}
    case {{ column }}
        {%- for code, word in words.items() %}
        when '{{ code }}' then '{{ word }}'
        {%- endfor %}
        {%- if otherwise is not none %}
        else '{{ otherwise }}'
        {%- endif %}
    end
{%- endmacro %}

{#- How many options of a checkbox question are ticked; an unopened form counts none. -#}
{% macro count_ticked(name, codes) -%}
    {%- for code in codes -%}
    {{ ' + ' if not loop.first }}case when {{ name }}__{{ code }} then 1 else 0 end
    {%- endfor -%}
{%- endmacro %}

{#- Columns as one text to compare rows by; null is empty. -#}
{% macro joined_text(columns) -%}
    {%- for column in columns -%}
    {{ " || '|' || " if not loop.first }}coalesce(cast({{ column }} as varchar), '')
    {%- endfor -%}
{%- endmacro %}

{#- Filled columns of a row as one text that no other row gives: name=<number of characters>:<value>; each. -#}
{% macro tagged_text(columns, relation) -%}
    {%- for column in columns %}
    {{ '|| ' if not loop.first }}coalesce(
        '{{ column }}=' || cast(length({{ relation }}.{{ column }}) as varchar) || ':' || {{ relation }}.{{ column }} || ';', ''
    )
    {%- endfor %}
{%- endmacro %}

{#- What a rule looked at as one text, name=value apart by a blank; what was not entered is left out, nothing at all is null.
    Values hold no blanks: codes, dates, numbers. -#}
{% macro stated_values(values) -%}
    nullif(trim(
        {%- for name, value in values.items() %}
        {{ '|| ' if not loop.first }}coalesce('{{ name }}=' || cast({{ value }} as varchar) || ' ', '')
        {%- endfor %}
    ), '')
{%- endmacro %}

{#- Any of several boolean columns <name>__<code>, for a list of checkbox codes. -#}
{% macro any_ticked(name, codes) -%}
    ({% for code in codes %}{{ name }}__{{ code }}{{ ' or ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- Whether a condition holds in any row of a group. -#}
{% macro in_any_row(condition) -%}
    coalesce(max(case when {{ condition }} then 1 else 0 end), 0) = 1
{%- endmacro %}
