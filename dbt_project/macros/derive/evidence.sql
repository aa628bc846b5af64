{#-
  What a finding speaks about, besides the row that it stands on: check -> instruments of the patient whose rows it compares.
  An answer to a query holds only while these rows are as they were (int_check__query). A check that is not listed speaks about
  the whole record. D19 speaks about its own instrument, and between two patients about both (int_check__lookalike).
-#}
{% macro evidence_forms() -%}
    {%- set infusion = ['registration', 'blin_cycle', 'blin_segment', 'death'] -%}
    {%- set course = ['registration', 'treatment_plan', 'treatment_course', 'blin_cycle', 'blin_segment'] -%}
    {%- set disease = course + ['response', 'mrd', 'relapse', 'hct', 'death'] -%}
    {{ return({
        'D02W': course,
        'D06': ['registration'],
        'D07': disease,
        'D08': infusion,
        'D08W': infusion,
        'D09': infusion,
        'D10': infusion,
        'D11': ['blin_cycle'],
        'D12': [],
        'D13': [],
        'D14': course + ['diagnosis'],
        'D15': ['death'],
        'D16': ['registration'],
        'D18': ['registration', 'demographics'],
        'D20': [],
        'Q01': disease,
        'Q02': disease,
        'Q03': disease,
        'Q04': infusion,
        'Q05': infusion,
        'Q06': infusion,
        'Q07': [],
        'Q08': ['response'],
        'Q11': [],
        'Q12': ['response'],
        'Q13': course + ['response'],
        'T01': [],
    }) }}
{%- endmacro %}

{#- Whether a row of the patient is one that a finding speaks about. -#}
{% macro is_evidence(finding, landed) -%}
    (
        ({{ finding }}.form = {{ landed }}.form and {{ finding }}.instance_no = {{ landed }}.instance_no)
        or case
            when {{ finding }}.check_id = 'D19'
                then
                    {{ landed }}.form = {{ finding }}.form
                    or ({{ finding }}.form = 'registration' and {{ landed }}.form = 'demographics')
            {%- for forms, checks in evidence_forms().items() | groupby(1) %}
            when {{ finding }}.check_id in ('{{ checks | map(attribute=0) | join("', '") }}')
                then {% if forms %}{{ landed }}.form in ('{{ forms | join("', '") }}'){% else %}false{% endif %}
            {%- endfor %}
            else true
        end
    )
{%- endmacro %}

{#- A number out of 12 hexadecimal digits of a text, 0 to 2^48 - 1. -#}
{% macro hexadecimal_number(text, first) -%}
    {%- for digit in range(12) %}
    {{ '+ ' if not loop.first }}cast(position(substring({{ text }}, {{ first + digit }}, 1) in '0123456789abcdef') - 1 as bigint)
    * {{ 16 ** (11 - digit) }}
    {%- endfor %}
{%- endmacro %}
