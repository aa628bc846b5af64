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

{#- Whether a rule is sure of its backbone (clinical specification 2, confidence): by the condition that the rule names (4, 7,
    8), else when drugs of induction and of later therapy were seen and are those of the regimen's row in its table. -#}
{% macro backbone_is_sure(rule_no) -%}
    coalesce(case {{ rule_no }}
            when 1 then has_ind_tki and has_ind_steroid and (has_post_tki or has_blin_later_tki)
            when 2 then (has_blin_later or has_post_inotuzumab) and not has_post_cytotoxic
            when 3 then in_one_post_mini
            when 4 then in_one_course_b or (has_label_a and has_label_b)
            when 5 then has_ind_vincristine and in_one_post_graall
            when 6 then has_ind_vincristine and has_ind_prednisone and in_one_post_dfci
            when 7 then has_phase4_methotrexate_high and in_one_post_etoposide_cytarabine
            when 8 then has_post_methotrexate_escalating and has_post_thioguanine
            when 9 then
                has_ind_daunorubicin and has_ind_vincristine and has_ind_prednisone and has_ind_asparaginase
            when 10 then in_one_post_reinduction
            when 11 then age_dx_years >= {{ parameter('low_intensity_age_years') }}
                and in_one_post_low and not has_anthracycline
        end, false)
{%- endmacro %}
