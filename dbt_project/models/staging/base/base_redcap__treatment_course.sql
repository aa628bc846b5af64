{{ base_redcap('treatment_course') }}
