-- sqlfluff:rules:references.keywords:ignore_words:level,action
-- Grain: one row per check of the registry's list (seed), in its words.
select
    check_id,
    check_name,
    level,
    kahn_category,
    kahn_subcategory,
    finding,
    action,
    threshold_frac,
    blocks_analysis
from {{ ref('check_definition') }}
