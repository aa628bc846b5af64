with blin as (
    -- The cycle that was running, or the last before the relapse; one begun on that day answers it.
    select
        relapse.patient_key,
        relapse.instance_no,
        blin_cycle.end_date,
        row_number() over (
            partition by relapse.patient_key, relapse.instance_no
            order by blin_cycle.start_date desc, blin_cycle.cycle_overall_no desc
        ) as recency
    from {{ ref('int_relapse__kept') }} as relapse
    inner join {{ ref('int_blin_cycle__started') }} as blin_cycle
        on relapse.patient_key = blin_cycle.patient_key and relapse.relapse_date > blin_cycle.start_date
),

next_line as (
    -- Therapy from the relapse on: its line, whatever was given first.
    select
        relapse.patient_key,
        relapse.instance_no,
        min(therapy.line_no) as line_no
    from {{ ref('int_relapse__kept') }} as relapse
    inner join {{ ref('int_therapy__line') }} as therapy
        on relapse.patient_key = therapy.patient_key and relapse.relapse_date <= therapy.start_date
    where relapse.is_relapse
    group by relapse.patient_key, relapse.instance_no
)

select
    relapse.patient_key,
    relapse.site_id,
    cast(
        row_number() over (
            partition by relapse.patient_key order by relapse.relapse_date, relapse.instance_no
        ) as integer
    ) as relapse_no,
    relapse.instance_no,
    relapse.type_cd,
    relapse.is_relapse,
    relapse.site_cd,
    relapse.relapse_date,
    relapse.relapse_lo,
    relapse.relapse_hi,
    relapse.relapse_dtf,
    cast(
        {{ days_between('diagnosis.resolved_date', 'relapse.relapse_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('response.cr1_date', 'relapse.relapse_date') }}
        as integer
    ) as days_from_cr1,
    cast(
        case
            when blin.end_date > relapse.relapse_date then 0
            else {{ days_between('blin.end_date', 'relapse.relapse_date') }}
        end as integer
    ) as days_since_last_blin,
    relapse.marrow_blast_pct,
    relapse.cd19_status_cd,
    relapse.has_lineage_switch,
    relapse.has_marrow,
    relapse.has_blood,
    relapse.has_cns,
    relapse.has_testis,
    relapse.has_other_site,
    relapse.has_next_inotuzumab,
    relapse.has_next_blinatumomab,
    relapse.has_next_cart,
    relapse.has_next_hsct,
    next_line.line_no as next_line_no,
    'relapse' as source_form,
    relapse.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_relapse__kept') }} as relapse
left join {{ ref('int_dates__resolved') }} as diagnosis
    on relapse.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_response__frontline') }} as response on relapse.patient_key = response.patient_key
left join blin
    on relapse.patient_key = blin.patient_key and relapse.instance_no = blin.instance_no and blin.recency = 1
left join next_line on relapse.patient_key = next_line.patient_key and relapse.instance_no = next_line.instance_no
