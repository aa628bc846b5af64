{{ base_redcap('data_review') }}
