{#-
  The columns every check model gives, one row per value or row that was looked at:
  check_id, patient_key, site_id, form, instance_no, field_name, is_violated.
  `subject` is the alias that patient_key and site_id are taken from, needed where the select joins.
-#}
{% macro check_columns(check_id, form, field_name, is_violated, subject=none, instance_no='1') -%}
    '{{ check_id }}' as check_id,
    {{ subject ~ '.' if subject }}patient_key,
    {{ subject ~ '.' if subject }}site_id,
    '{{ form }}' as form,
    cast({{ instance_no }} as integer) as instance_no,
    '{{ field_name }}' as field_name,
    coalesce({{ is_violated }}, false) as is_violated
{%- endmacro %}

{#- Check models in order; the list from which data_query and check_result are put together. -#}
{% macro check_models() -%}
    {{ return([
        'check_d01_date_outside_time',
        'check_d02_therapy_before_diagnosis',
        'check_d03_event_after_death',
        'check_d04_death_incomplete',
        'check_d05_deceased_at_entry',
        'check_d06_enrolment_path',
        'check_d07_response_and_relapse_order',
        'check_d08_segments_inconsistent',
        'check_d09_segments_missing',
        'check_d10_rate_implausible',
        'check_d11_cycle_order',
        'check_d12_response_contradicts_blasts',
        'check_d13_mrd_incomplete',
        'check_d14_tki_and_ph_status',
        'check_d15_toxicity_grade_missing',
        'check_d16_record_prefix',
        'check_d17_follow_up_stale',
        'check_d18_age_disagrees',
        'check_d19_possible_duplicate',
        'check_d20_unknown_with_other_option',
        'check_row_rules',
        'check_expected_rows',
        'check_event_before_therapy',
        'check_q04_infusion_without_stop',
        'check_q05_infusion_at_midnight',
        'check_q06_stop_missing',
        'check_q07_required_blank',
        'check_q08_response_disagrees',
        'check_q09_death_told_elsewhere',
        'check_q11_month_not_known',
        'check_q10_partial_date_moved',
        'check_q13_regimen_changed_unassessed',
        'check_q12_blood_not_reported',
    ]) }}
{%- endmacro %}

{#- How a check came out. Where nothing could be looked at it is not applicable, which is not the same as passed. -#}
{% macro check_status(n_evaluated, frac, threshold_frac) -%}
    case
        when {{ n_evaluated }} = 0 then 'NOT_APPLICABLE'
        when {{ frac }} > {{ threshold_frac }} then 'FAILED'
        else 'PASSED'
    end
{%- endmacro %}
