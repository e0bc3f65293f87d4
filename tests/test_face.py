"""The public face as the README uses it, in whichever order things are imported."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

ORDERS = [
    "import seawall as sw",
    "import seawall.replay, seawall as sw",
    "import seawall as sw; sw.Run; from seawall.replay import driver",
]


@pytest.mark.parametrize("order", ORDERS)
def test_face_replay_can_be_called(order):
    code = f"{order}; run = sw.replay('generate:accounts=50,seed=1', '2021-05-19'); print(run.summary['accounts'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "50", done


def test_face_names_are_listed_and_load():
    import seawall

    for name in seawall.__all__:
        assert name in dir(seawall)
        assert getattr(seawall, name) is not None
    assert "prices" in inspect.signature(seawall.replay).parameters
    with pytest.raises(AttributeError, match="no attribute"):
        _ = seawall.nothing


def test_face_import_is_light():
    code = "import sys, seawall, seawall.cli.main; print([m for m in ('numba', 'polars', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
