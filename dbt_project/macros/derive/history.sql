{#-
  Put the columns of answers into a history that was begun without them. The table is written anew, since the checks of its
  first form forbid the new status; the tests of the model keep guard.
-#}
{% macro history_with_answers(history) -%}
    {%- set found = load_relation(history) -%}
    {%- if execute and found is not none
        and 'previous_status_cd' not in (adapter.get_columns_in_relation(found) | map(attribute='name') | list) -%}
    {%- set renewed = history.schema ~ '.' ~ history.identifier ~ '__renewed' -%}
    create table {{ renewed }} as
    select
        *,
        cast(null as varchar) as previous_status_cd,
        cast(null as varchar) as resolution_note_cd
    from {{ history }};
    drop table {{ history }};
    alter table {{ renewed }} rename to {{ history.identifier }};
    {%- endif -%}
{%- endmacro %}
