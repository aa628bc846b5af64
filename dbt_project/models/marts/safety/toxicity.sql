select
    adverse.patient_key,
    adverse.site_id,
    cast(
        row_number() over (
            partition by adverse.patient_key order by adverse.onset_date, adverse.instance_no
        ) as integer
    ) as tox_seq,
    adverse.instance_no,
    adverse.tox_cd,
    adverse.term_cd,
    adverse.onset_date,
    adverse.resolved_date,
    cast(
        case
            when adverse.resolved_date >= adverse.onset_date
                then {{ days_between('adverse.onset_date', 'adverse.resolved_date') }}
        end as integer
    ) as duration_days,
    adverse.context_cd,
    cast(placed.cycle_overall_no as integer) as cycle_overall_no,
    cast(placed.day_of_cycle as integer) as day_of_cycle,
    adverse.cycle_no_reported,
    -- ASTCT where it was graded (0 of ICANS says that it is not ICANS: CTCAE grades it), else CTCAE. ASTCT ends at 4:
    -- death is grade 5 of CTCAE, whatever stands beside it.
    case
        when adverse.grade_ctcae = 5 then 'CTCAE'
        when adverse.grade_astct > 0 then 'ASTCT'
        when adverse.grade_ctcae is not null then 'CTCAE'
        else 'UNKNOWN'
    end as grading_cd,
    case
        when adverse.grade_astct > 0 and coalesce(adverse.grade_ctcae, 0) <> 5 then adverse.grade_astct
        else adverse.grade_ctcae
    end as max_grade,
    adverse.grade_astct,
    adverse.grade_ctcae,
    case when adverse.tox_cd = 'ICANS' then adverse.grade_astct > 0 end as is_icans,
    adverse.ice_score,
    adverse.has_seizure,
    adverse.action_cd,
    adverse.has_steroid,
    adverse.has_tocilizumab,
    adverse.has_antiseizure,
    adverse.has_immunoglobulin,
    adverse.care_cd,
    adverse.outcome_cd,
    case
        when adverse.grade_ctcae = 5 or adverse.outcome_cd = 'FATAL' then true
        when adverse.grade_ctcae is not null or adverse.outcome_cd <> 'UNK' then false
    end as is_fatal,
    -- Fatal, grade 4, admission or intensive care; null when neither grade nor care is known.
    case
        when adverse.grade_ctcae >= 4 or adverse.grade_astct >= 4 or adverse.outcome_cd = 'FATAL' then true
        when adverse.care_cd in ('ADMISSION', 'INTENSIVE_CARE') then true
        when adverse.care_cd = 'OUTPATIENT' and coalesce(adverse.grade_ctcae, adverse.grade_astct) is not null
            then false
    end as is_serious,
    adverse.infection_type_cd,
    adverse.infection_site_cd,
    adverse.igg_mg_dl,
    'adverse_event' as source_form,
    adverse.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_adverse_event__kept') }} as adverse
left join {{ ref('int_toxicity__cycle') }} as placed
    on adverse.patient_key = placed.patient_key and adverse.instance_no = placed.instance_no
