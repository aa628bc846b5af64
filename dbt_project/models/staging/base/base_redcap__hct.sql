{{ base_redcap('hct') }}
