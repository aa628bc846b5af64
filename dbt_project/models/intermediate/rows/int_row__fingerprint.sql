-- Grain: one row per landed row that is kept out of the tables: SHA-256 over its filled fields under the registry's
-- names, in the order of the dictionary, each as name=<number of characters>:<value>; with the status of the form last.
-- It changes when anything on the row does. Not for a release: who knows the form can guess a short row from it.
{%- for form in dated_forms() | list + ['blin_cycle', 'blin_segment'] %}
select
    set_aside.form,
    set_aside.patient_key,
    set_aside.instance_no,
    {{ sha256_of(tagged_text(canonical_columns(form) + ['form_status_cd'], 'landed')) }} as raw_row_sha256
from {{ ref('int_row__set_aside') }} as set_aside
inner join {{ ref('base_redcap__' ~ form) }} as landed
    on
        set_aside.patient_key = landed.patient_key
        and set_aside.instance_no = landed.instance_no
        and set_aside.form = '{{ form }}'
{{ 'union all' if not loop.last }}
{%- endfor %}
