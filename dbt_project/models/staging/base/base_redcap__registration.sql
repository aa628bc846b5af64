{{ base_redcap('registration') }}
