{#- The backbone that rules 2 to 11 of clinical specification 2 name; rule 8 tells C10403 from BFM by plan and age. -#}
{% macro backbone_of_rule(rule_no) -%}
    case {{ rule_no }}
                when 2 then 'IMMUNO'
                when 3 then 'MHCVD'
                when 4 then 'HCVAD'
                when 5 then 'GRAALL'
                when 6 then 'DFCI'
                when 7 then 'E1910'
                when 8 then
                    case
                        when declared_cd = 'C10403' or age_dx_years < {{ parameter('aya_age_years') }} then 'C10403'
                        else 'BFM'
                    end
                when 9 then 'LINK'
                when 10 then 'BFM'
                when 11 then 'LOW'
            end
{%- endmacro %}
