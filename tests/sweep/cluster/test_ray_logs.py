"""Why no worker comes up is read from what Ray has logged."""

from nemesis_sweep.sweep.cluster.ray_logs import reason_in


def test_the_last_error_of_the_newest_session_is_told(tmp_path):
    for session, text in (("session_2026-01-01", "OSError: old"), ("session_2026-01-02", "no news")):
        logs = tmp_path / session / "logs"
        logs.mkdir(parents=True)
        (logs / "gcs_server.err").write_text(f"{text}\n")
    assert reason_in(tmp_path) == "Ray's logs do not say why"
    (logs / "raylet.err").write_text("ModuleNotFoundError: No module named 'ray'\nnote: nothing\n")
    assert reason_in(tmp_path) == "raylet.err says: ModuleNotFoundError: No module named 'ray'"
    assert reason_in(tmp_path / "nowhere") == "Ray's logs do not say why"
