-- sqlfluff:rules:references.keywords:ignore_words:level,action
-- Grain: one row per check: the registry's list (seed) and the rules of the tables themselves.
with rule as (
    select
        'R01' as check_id,
        'row_set_aside' as check_name,
        'error' as level,
        'conformance' as kahn_category,
        'relational' as kahn_subcategory,
        'A row cannot be used and is kept out of the tables' as finding,
        'Correct the dates, the rate or the cycle number of this row' as action
    union all
    select
        'T01' as check_id,
        'value_not_readable' as check_name,
        'warn' as level,
        'conformance' as kahn_category,
        'value' as kahn_subcategory,
        'A stored value is not of its type, not in the list of codes or outside the limits' as finding,
        'Correct the value' as action
    union all
    select
        'W01' as check_id,
        'withdrawal_incomplete' as check_name,
        'error' as level,
        'completeness' as kahn_category,
        'missing' as kahn_subcategory,
        'A withdrawal of consent without its scope or date' as finding,
        'Enter what the withdrawal covers and its date' as action
    union all
    select
        'WITHDRAWN_SCOPE_2' as check_id,
        'withdrawn_data_removed' as check_name,
        'error' as level,
        'conformance' as kahn_category,
        'relational' as kahn_subcategory,
        'A patient who withdrew all data still has a row' as finding,
        'Report to the coordinating centre' as action
)

select
    check_id,
    check_name,
    level,
    kahn_category,
    kahn_subcategory,
    finding,
    action,
    check_id in ('D01', 'D02', 'D03', 'D04', 'D05') as blocks_analysis
from {{ ref('check_definition') }}
union all
select
    check_id,
    check_name,
    level,
    kahn_category,
    kahn_subcategory,
    finding,
    action,
    check_id in ('R01', 'W01') as blocks_analysis
from rule
