-- Grain: one row per treated patient: the string of units against that of E1910. Concordance describes practice; it is
-- not a quality score. Beyond 40 units a string says so with a plus sign.
{%- set reference = var('e1910_sequence', registry_parameters()['e1910_sequence']) %}
{%- set longest = 40 %}
with spelled as (
    select
        period.patient_key,
        {%- for n in range(1, longest + 1) %}
        {{ '|| ' if not loop.first }}coalesce(max(case when unit.letter_no = {{ n }} then unit.letter end), '')
        {%- endfor %}
        || coalesce(max(case when unit.letter_no = {{ longest + 1 }} then '+' end), '') as string,
        coalesce(sum(case when unit.letter = 'B' then 1 else 0 end), 0) as n_blin
    from {{ ref('int_frontline__period') }} as period
    left join {{ ref('int_e1910__unit') }} as unit on period.patient_key = unit.patient_key
    group by period.patient_key
),

compared as (
    select
        spelled.patient_key,
        spelled.string,
        spelled.n_blin,
        status.status_cd,
        {%- for n in range(1, reference | length + 1) %}
        {{ '+ ' if not loop.first }}case
            when substring(spelled.string, 1, {{ n }}) = '{{ reference[:n] }}' then 1 else 0
        end
        {%- endfor %} as prefix_match,
        {{ edit_distance('spelled.string', "'" ~ reference ~ "'") }} as distance,
        substring('{{ reference }}', 1, length(spelled.string)) = spelled.string
        and length(spelled.string) < {{ reference | length }} as is_proper_prefix
    from spelled
    left join {{ ref('int_e1910__status') }} as status on spelled.patient_key = status.patient_key
)

select
    patient_key,
    string,
    cast(n_blin as integer) as n_blin,
    status_cd,
    cast(prefix_match as integer) as prefix_match,
    cast(distance as integer) as distance,
    case
        when string = '' and status_cd = 'ONGOING' then 'NOT_STARTED'
        when string = '' then 'NONE'
        when prefix_match = {{ reference | length }} then 'EXACT'
        when is_proper_prefix and status_cd = 'ONGOING' then 'ON_TRACK'
        when is_proper_prefix and status_cd = 'CENSORED' then 'ON_TRACK_CENSORED'
        when n_blin >= 4 then 'FOUR_OR_MORE_OTHER_ORDER'
        when status_cd = 'ONGOING' then 'DEVIATED'
        when n_blin = 0 then 'NONE'
        else 'FEWER_THAN_FOUR'
    end as category_cd
from compared
