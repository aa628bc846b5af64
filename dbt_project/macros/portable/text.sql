{#- Text to a type, null when it is not exactly that: the engine's own casts are more lenient than REDCap's formats. -#}

{#- YYYY-MM-DD only. -#}
{% macro try_date(text) -%}
    case when {{ text }} like '____-__-__' then {{ safe_cast(text, 'date') }} end
{%- endmacro %}

{#- YYYY-MM-DD HH:MM or with seconds, the site's wall clock. -#}
{% macro try_datetime(text) -%}
    case
        when {{ text }} like '____-__-__ __:__' or {{ text }} like '____-__-__ __:__:__'
            then {{ safe_cast(text, 'timestamp') }}
    end
{%- endmacro %}

{#- Decimal numbers; NaN, infinity and 1_000, which engines accept, are no numbers here. -#}
{% macro try_number(text) -%}
    case
        when {{ safe_cast(text, 'decimal(38, 12)') }} is not null and position('_' in {{ text }}) = 0
            then {{ safe_cast(text, 'double') }}
    end
{%- endmacro %}

{#- Whole numbers that an integer holds; 3.7 is not rounded, 99999999999 is no value. -#}
{% macro try_integer(text) -%}
    case
        when {{ safe_cast(text, 'decimal(38, 12)') }} = floor({{ safe_cast(text, 'decimal(38, 12)') }})
            and position('_' in {{ text }}) = 0
            then {{ safe_cast(safe_cast(text, 'decimal(38, 12)'), 'integer') }}
    end
{%- endmacro %}

{#- Letters to put in, take out or change until one text is the other. -#}
{% macro edit_distance(text, other) -%}
    levenshtein({{ text }}, {{ other }})
{%- endmacro %}

{#- A stable key over columns: type-tagged, null-safe, separated. -#}
{% macro surrogate_key(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce('v' || cast(" ~ column ~ " as varchar), 'null')") -%}
    {%- endfor -%}
    {{ dbt.hash(parts | join(" || '|' || ")) }}
{%- endmacro %}

{#- SHA-256 of a text (UTF-8) as 64 hexadecimal digits. -#}
{% macro sha256_of(text) -%}
    {{ return(adapter.dispatch('sha256_of', 'blin')(text)) }}
{%- endmacro %}
{% macro default__sha256_of(text) -%} sha256({{ text }}) {%- endmacro %}
{% macro spark__sha256_of(text) -%} sha2({{ text }}, 256) {%- endmacro %}
{% macro trino__sha256_of(text) -%} lower(to_hex(sha256(to_utf8({{ text }})))) {%- endmacro %}

{#- Null where the text does not convert. (The adapter's own safe_cast is a plain cast on DuckDB and raises.) -#}
{% macro safe_cast(text, type) -%}
    try_cast({{ text }} as {{ type }})
{%- endmacro %}
