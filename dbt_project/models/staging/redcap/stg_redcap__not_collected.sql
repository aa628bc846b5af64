-- Grain: one row per field of the dictionary that the source does not have.
select
    form,
    field as field_name
from {{ source('redcap', 'not_collected') }}
