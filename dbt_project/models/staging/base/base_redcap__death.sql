{{ base_redcap('death') }}
