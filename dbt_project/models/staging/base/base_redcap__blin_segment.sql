{{ base_redcap('blin_segment') }}
