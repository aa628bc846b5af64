-- Q06, warn: an infusion that is over has no stop: a segment (the next segment, the cycle form, the death or nothing
-- tells when it stopped), or a cycle without segments that the site calls over or that another cycle followed. What
-- runs at the cut or at withdrawal needs no stop.
select
    {{ check_columns('Q06', 'blin_segment', 'sg_end',
        "segment.end_local is null and segment.end_basis_cd not in ('CUT', 'WITHDRAWAL')", subject='segment',
        instance_no='segment.instance_no') }}
from {{ ref('int_infusion__segment') }} as segment
inner join {{ ref('int_subject__recorded') }} as subject
    on segment.patient_key = subject.patient_key and subject.is_patient
union all
select
    {{ check_columns('Q06', 'blin_cycle', 'bc_end',
        'plan.end_clock is null and (ended.is_reported_over or ended.is_followed_by_cycle)', subject='measured',
        instance_no='measured.cycle_instance_no') }}
from {{ ref('int_blin_cycle__measured') }} as measured
inner join {{ ref('int_blin_cycle__planned') }} as plan
    on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
inner join {{ ref('int_blin_cycle__ended') }} as ended
    on measured.patient_key = ended.patient_key and measured.cycle_instance_no = ended.cycle_instance_no
inner join {{ ref('int_subject__recorded') }} as subject
    on measured.patient_key = subject.patient_key and subject.is_patient
where measured.exposure_source_cd in ('HEADER', 'UPPER_BOUND')
