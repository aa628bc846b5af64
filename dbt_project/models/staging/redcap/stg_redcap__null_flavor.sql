-- Grain: one row per reason why a value is missing (columns <field>_null_flavor_cd of staging): the project's own
-- missing-data codes in its words, and what the registry proposes where the project does not declare it.
with declared as (
    select
        trim(code) as code,
        nullif(trim(label), '') as declared_label
    from {{ source('redcap', 'missing_code') }}
    where trim(code) <> ''
),

proposed as (
    select
        code,
        label
    from {{ ref('dictionary_codelist') }}
    where codelist = 'null_flavor'
)

select
    declared.code as null_flavor_cd,
    coalesce(declared.declared_label, proposed.label, declared.code) as null_flavor_label
from declared
left join proposed on declared.code = proposed.code
union all
select
    proposed.code as null_flavor_cd,
    proposed.label as null_flavor_label
from proposed
left join declared on proposed.code = declared.code
where declared.code is null
