select
    codelist,
    order_no,
    code,
    label,
    {{ rule_version() }} as rule_version
from {{ ref('dictionary_codelist') }}
-- Why a value is missing is told in staging alone, in the project's own words (stg_redcap__null_flavor).
where codelist <> 'null_flavor'
