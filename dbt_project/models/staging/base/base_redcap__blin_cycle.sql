{{ base_redcap('blin_cycle') }}
