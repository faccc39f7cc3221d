"""Passwords in addresses are used, but never shown or written down."""

import time

import pytest

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import shown
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.dump import resolved, sweep_to_yaml
from nemesis_sweep.spec.loader import load_sweep

SECRET = "hunter2:/?x"
TEXT = f"""
name: made
tasks: {{dataset: digits, shots: 1}}
space: {{n_ctx: {{choices: [4, 8]}}}}
search: {{storage: "postgresql+psycopg2://me:{SECRET}@db:5432/sweeps"}}
tracking: {{mlflow: "https://me:hunter2%3A%2F%3Fx@mlflow.example/x"}}
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
        ("mysql://h/d?user=me&ssl_key=/k", "mysql://h/d?user=me&ssl_key=/k"),
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


PLAIN = "sqlite:////home/me/a@b.db hf-hub:org/name@tag ViT-B-16@openai http://h:5000 x[i:j] @ y git@h.org:a/b"


def test_what_holds_no_password_is_left_as_it_is():
    assert masked(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        "a@hunter2",
        "hunter2@b@c",
        "a:hunter2",
        "a/hunter2",
        "hunter2#?/b",
        "a%40hunter2%2F",
        "a?b=hunter2",
        "it's\"hunter2",
        "a;hunter2",
        "://hunter2",
        "***hunter2",
    ],
)
@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:{}@host/d",
        "MYSQL+X://me:{}@host:5432/d",
        "HTTPS://me:{}@host/d",
        "me:{}@host",
        "a.b-c:{}@host:5/d",
        "me@corp.com:{}@host/d",
        "postgresql://me@corp:{}@host/d",
        "postgresql://:{}@host/d",
        "//me:{}@host/d",
        "http:/me:{}@host",
        "--set tracking.mlflow=me:{}@host",
        "['me:{}@host', 3]",
        "mssql://DOM\\me:{}@host",
        "http://a:b@host/?url=postgresql%3A%2F%2Fme%3A{}%40x",
        "http://host:5000/?x=1&password={}&y=2",
        "postgresql://host/d?sslpassword={}",
        "https://host?TOKEN={}",
        "host=h password={} dbname=d",
        "postgresql://host/d?x=1;auth_token={}",
        "https://host:80?api%5Fkey={}",
        'said "mysql://me:{}@host/d".',
    ],
)
def test_a_password_in_an_odd_address_is_hidden(address, secret):
    told = masked(address.format(secret))
    assert "hunter2" not in told
    assert "***" in told
    assert masked(told) == told
    assert told.count("host") == address.count("host") or "@" in secret


def test_tokens_in_the_place_of_a_user():
    assert masked("HTTPS://dapi@12@host/x") == "HTTPS://***@host/x"


def test_a_long_text_takes_no_time():
    for piece in ("://a:", "a:", "@a:", "?pass", "://a: b", "%3A%2F%2Fa", "u:p@", "?token=", "https://"):
        started = time.monotonic()
        masked(piece * (500_000 // len(piece)))
        assert time.monotonic() - started < 5, piece


def test_errors_and_values_that_are_cut_show_none():
    long = f"mysql://me:{'x' * 200}@host"
    assert shown(long) == '"mysql://me:***@host"'
    assert "secret" not in str(Problem("no", file="--set a=mysql://me:secret@host", found="x://y:secret@z"))


def test_the_resolved_sweep_which_a_job_is_sent_hides_them(tmp_path):
    file = tmp_path / "made.yaml"
    file.write_text(TEXT)
    sweep = load_sweep(file)
    assert "hunter2" in sweep.search.storage
    written = sweep_to_yaml(sweep)
    assert "hunter2" not in written
    assert resolved(sweep)["search"]["storage"] == "postgresql+psycopg2://me:***@db:5432/sweeps"
    file.write_text(written)
    assert load_sweep(file).tracking.mlflow == "https://me:***@mlflow.example/x"


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
