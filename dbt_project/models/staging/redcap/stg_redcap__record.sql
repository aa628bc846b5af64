-- Grain: one row per record in REDCap, whatever its forms hold: the spine of every count of patients.
select
    crosswalk.patient_key,
    crosswalk.site_id,
    nullif(record.redcap_data_access_group, '') is not null as has_data_access_group,
    -- Check D16: the prefix before the last hyphen against the site file's prefix or the access group's unique name.
    coalesce(
        lower(substring(record.record_id, 1, length(record.record_id) - strpos(reverse(record.record_id), '-')))
        <> lower(coalesce(site.record_prefix, record.redcap_data_access_group)),
        true
    ) as has_prefix_mismatch,
    pull.pull_id
from {{ source('redcap', 'record') }} as record
inner join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on record.record_id = crosswalk.record_id
left join {{ source('redcap', 'site') }} as site on crosswalk.site_id = site.site_id
cross join {{ source('redcap', 'pull') }} as pull
