select
    site_id,
    form,
    n_due,
    n_started,
    n_complete
from {{ ref('int_form__completeness') }}
