{#- Bounds of a partial date: precision 1 that day, 2 its month, otherwise (3, 9, not entered) its year. -#}
{% macro date_lower_bound(date_expression, precision_cd) -%}
    case {{ precision_cd }}
        when '1' then {{ date_expression }}
        when '2' then {{ first_of_month(date_expression) }}
        else {{ first_of_year(date_expression) }}
    end
{%- endmacro %}
{% macro date_upper_bound(date_expression, precision_cd) -%}
    case {{ precision_cd }}
        when '1' then {{ date_expression }}
        when '2' then {{ last_of_month(date_expression) }}
        else {{ last_of_year(date_expression) }}
    end
{%- endmacro %}

{#- Highest part of a date that is a convention and not known: D, M or null (exact). -#}
{% macro date_imputation_flag(precision_cd) -%}
    case {{ precision_cd }} when '1' then null when '2' then 'D' else 'M' end
{%- endmacro %}

{#- Earliest and latest of several dates, nulls left out; null when all are null. (least/greatest differ on nulls by engine.) -#}
{% macro earliest_date(dates) -%}
    nullif(
        least({% for item in dates %}coalesce({{ item }}, date '9999-12-31'){{ ', ' if not loop.last }}{% endfor %}),
        date '9999-12-31'
    )
{%- endmacro %}
{% macro latest_date(dates) -%}
    nullif(
        greatest({% for item in dates %}coalesce({{ item }}, date '0001-01-01'){{ ', ' if not loop.last }}{% endfor %}),
        date '0001-01-01'
    )
{%- endmacro %}

{#- An interval of days as text: the day, or first..last. -#}
{% macro stated_interval(earliest_date, latest_date) -%}
    cast({{ earliest_date }} as varchar)
    || case when {{ earliest_date }} < {{ latest_date }} then '..' || cast({{ latest_date }} as varchar) else '' end
{%- endmacro %}

{#- Calendar day at the site of a time on the infusion clock (macro infusion_clock). -#}
{% macro infusion_date(clock, is_whole_days, time_zone) -%}
    case
        when {{ is_whole_days }} or {{ time_zone }} is null then {{ date_of(clock) }}
        else {{ date_of(to_local(clock, time_zone)) }}
    end
{%- endmacro %}

{#- Completed years between two dates. -#}
{% macro completed_years(from_date, to_date) -%}
    extract(year from {{ to_date }}) - extract(year from {{ from_date }})
    - case
        when
            extract(month from {{ to_date }}) * 100 + extract(day from {{ to_date }})
            < extract(month from {{ from_date }}) * 100 + extract(day from {{ from_date }})
            then 1
        else 0
    end
{%- endmacro %}

{#-
  Every date field of the dictionary that can place a patient in time, with what it means:
  clinical   the patient was treated, examined or ill on that day (check D03: not after death)
  contact    condition under which the date proves the patient alive that day ('false' never, 'true' always)
  precision  field that says how exact the date is, when there is one
  kind       'datetime' for wall-clock fields
-#}
{% macro recorded_date_fields() -%}
    {{ return([
        {'form': 'registration', 'field': 'reg_date', 'contact': "vital_entry_cd = '1'"},
        {'form': 'registration', 'field': 'dx_date', 'precision': 'dx_date_prec_cd', 'clinical': 'true',
         'contact': "dx_date_prec_cd = '1'"},
        {'form': 'registration', 'field': 'blin_trial_start', 'clinical': 'true', 'contact': "blin_in_trial_cd = '1'"},
        {'form': 'registration', 'field': 'consent_date', 'contact': "vital_entry_cd = '1'"},
        {'form': 'registration', 'field': 'withdraw_date',
         'contact': "consent_status_cd = '6' and withdraw_scope_cd = '1'"},
        {'form': 'demographics', 'field': 'birth_date'},
        {'form': 'treatment_plan', 'field': 'plan_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'treatment_course', 'field': 'tc_start', 'clinical': 'true', 'contact': 'true'},
        {'form': 'treatment_course', 'field': 'tc_end', 'clinical': 'true', 'contact': 'true'},
        {'form': 'blin_cycle', 'field': 'bc_start', 'kind': 'datetime', 'clinical': 'true',
         'contact': "coalesce(bc_status_cd, '') <> '4' and coalesce(bc_end > bc_start, true)"},
        {'form': 'blin_cycle', 'field': 'bc_end', 'kind': 'datetime', 'clinical': 'true',
         'contact': "coalesce(bc_status_cd, '') <> '4' and coalesce(bc_end > bc_start, true)"},
        {'form': 'blin_segment', 'field': 'sg_start', 'kind': 'datetime', 'clinical': 'true',
         'contact': 'coalesce(sg_end > sg_start, true)'},
        {'form': 'blin_segment', 'field': 'sg_end', 'kind': 'datetime', 'clinical': 'true',
         'contact': 'coalesce(sg_end > sg_start, true)'},
        {'form': 'response', 'field': 'ra_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'mrd', 'field': 'mr_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'hct', 'field': 'hc_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'hct', 'field': 'hc_agvhd_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'relapse', 'field': 'rl_date', 'precision': 'rl_date_prec_cd', 'clinical': 'true',
         'contact': "rl_date_prec_cd = '1'"},
        {'form': 'relapse', 'field': 'rl_cart_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'adverse_event', 'field': 'ae_start', 'clinical': 'true', 'contact': 'true'},
        {'form': 'adverse_event', 'field': 'ae_end', 'clinical': 'true', 'contact': 'true'},
        {'form': 'followup', 'field': 'fu_date', 'clinical': "coalesce(fu_vital_cd, '') = '1'", 'contact': "fu_vital_cd = '1'"},
        {'form': 'followup', 'field': 'fu_second_ca_date', 'clinical': 'true'},
        {'form': 'death', 'field': 'dth_date', 'precision': 'dth_date_prec_cd'},
        {'form': 'patient_survey', 'field': 'sv_date', 'clinical': 'true', 'contact': 'true'},
        {'form': 'data_review', 'field': 'dr_verified_date'},
    ]) }}
{%- endmacro %}

{#- Repeating instruments whose rows stand on one date: instrument -> date field. -#}
{% macro dated_forms() -%}
    {{ return({
        'treatment_course': 'tc_start',
        'response': 'ra_date',
        'mrd': 'mr_date',
        'hct': 'hc_date',
        'relapse': 'rl_date',
        'adverse_event': 'ae_start',
        'followup': 'fu_date',
        'patient_survey': 'sv_date',
    }) }}
{%- endmacro %}
