-- Grain: one row per patient with frontline therapy: its units as runs of one family (`HCVADx2>BLIN>HCVAD`). Beyond 40
-- runs the pattern says so with a plus sign.
{%- set longest = 40 %}
with marked as (
    select
        patient_key,
        unit_no,
        family_cd,
        case
            when lag(family_cd) over (partition by patient_key order by unit_no) = family_cd then 0 else 1
        end as starts_run
    from {{ ref('int_frontline__unit') }}
),

numbered as (
    select
        patient_key,
        family_cd,
        sum(starts_run) over (
            partition by patient_key order by unit_no rows between unbounded preceding and current row
        ) as run_no
    from marked
),

run as (
    select
        patient_key,
        run_no,
        family_cd || case when count(*) > 1 then 'x' || cast(count(*) as varchar) else '' end as run_text
    from numbered
    group by patient_key, run_no, family_cd
)

select
    patient_key,
    {%- for n in range(1, longest + 1) %}
    {{ '|| ' if not loop.first }}coalesce(max(case when run_no = {{ n }} then {{ "'>' || " if n > 1 }}run_text end), '')
    {%- endfor %}
    || coalesce(max(case when run_no = {{ longest + 1 }} then '>+' end), '') as sequence_pattern
from run
group by patient_key
