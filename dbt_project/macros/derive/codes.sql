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
