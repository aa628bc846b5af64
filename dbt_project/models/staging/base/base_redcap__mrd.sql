{{ base_redcap('mrd') }}
