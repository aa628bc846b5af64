{#- Kinds of toxicity that the tables count, each from the options of ae_term, and how long after the end of a cycle it still belongs to it. -#}
{% macro toxicity_kinds() -%}
    {{ return({
        'CRS': {'terms': ['1'], 'window': 'toxicity_window_days'},
        'ICANS': {'terms': ['2'], 'window': 'toxicity_window_days'},
        'INFECTION': {'terms': ['3'], 'window': 'infection_window_days'},
        'HYPOGAMMAGLOBULINAEMIA': {'terms': ['4'], 'window': 'immunoglobulin_window_days'},
        'CYTOPENIA': {'terms': ['5'], 'window': 'toxicity_window_days'},
        'HEPATIC': {'terms': ['6', '7'], 'window': 'toxicity_window_days'},
        'PUMP_ERROR': {'terms': ['14'], 'window': 'toxicity_window_days'},
        'OTHER': {'terms': ['8', '9', '10', '11', '12', '13', '15', '90'], 'window': 'toxicity_window_days'},
    }) }}
{%- endmacro %}

{#- Days after the end of a cycle for a kind of toxicity. -#}
{% macro toxicity_window(toxicity_cd) -%}
    case {{ toxicity_cd }}
        {%- for kind, facts in toxicity_kinds().items() %}
        when '{{ kind }}' then {{ parameter(facts.window) }}
        {%- endfor %}
        else {{ parameter('toxicity_window_days') }}
    end
{%- endmacro %}
