from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, blin_pipeline.outcomes, blin_pipeline.outcomes.identities\n"
        "print([name for name in ('lifelines', 'scipy', 'pandas', 'numpy', 'pyarrow', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
