"""Passwords in addresses are used, but never shown or written down."""

import pytest

from nemesis_sweep.spec.dump import resolved, sweep_to_yaml
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.faults import shown
from nemesis_sweep.spec.loader import load_sweep
from nemesis_sweep.spec.passwords import masked

SECRET = "hunter2:/?x"
TEXT = f"""
name: made
tasks: {{dataset: digits, shots: 1}}
space: {{n_ctx: {{choices: [4, 8]}}}}
search: {{storage: "postgresql+psycopg2://me:{SECRET}@db:5432/sweeps"}}
tracking: {{mlflow: "https://me:{SECRET}@mlflow.example/x"}}
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mysql://me:p@host/db", "mysql://me:***@host/db"),
        ("a postgresql+psycopg2://me:p%40:/x@host, b", "a postgresql+psycopg2://me:***@host, b"),
        ("mysql://:p@host", "mysql://:***@host"),
        ("mysql://me@host:3306/db", "mysql://me@host:3306/db"),
        ("http://host:5000/a?b", "http://host:5000/a?b"),
        ("sqlite:////home/me/a.db", "sqlite:////home/me/a.db"),
        ("two: http://a:b@c d://e:f@g", "two: http://a:***@c d://e:***@g"),
        ("http://me:it's@host/x", "http://me:***@host/x"),
        ("https://dapi12@host/x", "https://***@host/x"),
        ("http://h:1/?password=p&a=b#c", "http://h:1/?password=***&a=b#c"),
        ("mysql://h/d?user=me&ssl_key=/k", "mysql://h/d?user=me&ssl_key=***"),
        ("'https://h/?a=b&access_token=p%2F+q'", "'https://h/?a=b&access_token=***'"),
        ("mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3Dp", "mssql+pyodbc:///?odbc_connect=***"),
        (
            "s3://b?AWS_SECRET_ACCESS_KEY=p;X-Amz-Signature=q",
            "s3://b?AWS_SECRET_ACCESS_KEY=***;X-Amz-Signature=***",
        ),
    ],
)
def test_only_the_password_is_hidden(text, told):
    assert masked(text) == told


def test_errors_and_values_that_are_cut_show_none():
    long = f"mysql://me:{'x' * 200}@host"
    assert shown(long) == '"mysql://me:***@host"'
    assert "secret" not in str(Problem("no", file="--set a=mysql://me:secret@host", found="x://y:secret@z"))


def test_the_resolved_sweep_hides_them_and_a_job_is_sent_them(tmp_path):
    file = tmp_path / "made.yaml"
    file.write_text(TEXT)
    sweep = load_sweep(file)
    assert "hunter2" in sweep.search.storage
    written = sweep_to_yaml(sweep)
    assert "hunter2" not in written
    assert resolved(sweep)["search"]["storage"] == "postgresql+psycopg2://me:***@db:5432/sweeps"
    file.write_text(written)
    assert load_sweep(file).tracking.mlflow == "https://me:***@mlflow.example/x"
    file.write_text(sweep_to_yaml(sweep, passwords=True))
    assert load_sweep(file) == sweep


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ("postgres://me:hunter2@h/d", 'not a storage that a sweep can have; found "postgres://me:***@h/d"'),
        ("postgres://me:hunter2@h/d", "Did you mean 'postgresql'?"),
        ("./trials.db", "allowed: a database, such as sqlite:////absolute/trials.db"),
        ("sqlite://", "not a file"),
        ("sqlite:///:memory:", "not a file"),
        ("redis://h", "not a storage"),
    ],
)
def test_what_is_no_storage_is_one_clear_error(tmp_path, storage, told):
    file = tmp_path / "made.yaml"
    file.write_text(TEXT)
    with pytest.raises(UserError) as refused:
        load_sweep(file, [f'search.storage="{storage}"'])
    (problem,) = refused.value.problems
    assert problem.key == "search.storage"
    assert told in str(problem)
    assert "hunter2" not in str(problem)
