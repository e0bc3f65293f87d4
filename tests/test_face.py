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


SHOWS = [
    "import seawall as sw; from seawall.replay import replay",
    "import seawall as sw; sw.explain; replay = sw.replay",
    "from seawall.replay import replay",
]


@pytest.mark.parametrize("order", SHOWS)
def test_face_a_run_shows_and_reports_itself_however_it_was_imported(order, tmp_path):
    code = f"{order}; run = replay('generate:accounts=50,seed=1', '2021-05-19'); run.report('r.html'); print(len(run._repr_html_()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and int(done.stdout) > 1000, done
    assert (tmp_path / "r.html").is_file()


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
