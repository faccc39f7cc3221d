"""Every command and every example of docs/prediction.md, in its order and in one folder."""

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import ExifTags, Image, ImageOps

import nemesis_sweep as ns
from nemesis_sweep.cli import main
from tests.test_readme import LESS, SHIPPED
from tests.tracking.served import served

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "prediction.md").read_text()
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
SHELL = [text for kind, text in BLOCKS if kind == "sh"]
CLASSIFY, EXPORT, SERVE, CURL, REGISTER, ONNX, WORDS, RUN, REPLAY, DOWNLOAD = SHELL
OF_A_SWEEP = [text for text in PYTHON if "sweeps/" in text or "from-mlflow" in text]


def run(code: str, folder: Path) -> str:
    """What an example prints, which knows nothing of the others."""
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/prediction.md", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def commands(text: str, folder: Path) -> str:
    """What commands of ours print, without a process of their own."""
    printed = ""
    with contextlib.chdir(folder):
        for line in text.strip().splitlines():
            program, *words = shlex.split(line, comments=True)
            answer = CliRunner().invoke(main, words)
            assert (program, answer.exit_code) == ("nemesis-sweep", 0), answer.output
            printed += answer.stdout
    return printed


def shell(text: str, folder: Path) -> str:
    """What commands print; they are those of this environment."""
    beside = Path(sys.executable).parent
    told = f"export PATH={beside}:$PATH\nset -e\n{text}"
    answer = subprocess.run(
        ["bash", "-c", told], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_prompt_of_fit_names_images(tmp_path):
    shown = [text for text in PYTHON if text not in OF_A_SWEEP]
    # What is exported is there once a prompt is.
    told = [run(text, tmp_path) for text in shown[:3]]
    commands(EXPORT, tmp_path)
    assert run(shown[3], tmp_path) == "torch.Size([2, 10])\n"
    commands(ONNX, tmp_path)
    assert run(shown[4], tmp_path) in [f"{digit}\n" for digit in range(10)]
    told += [run(text, tmp_path) for text in shown[5:]]
    lines = commands(CLASSIFY, tmp_path).splitlines()
    assert [line.split()[0] for line in lines[:5]] == [f"photos/{number}.png" for number in range(5)]
    assert lines[5] == "image,rank,class,probability"
    assert lines[6].startswith("photos/0.png,1,")
    shown_words = PAGE.partition(WORDS)[2].split("```")[2].split("\n")
    heads = [line.split()[:3] for line in commands(WORDS, tmp_path).splitlines()]
    assert heads == [line.split()[:3] for line in shown_words if line]
    assert told[0].startswith("FitResult(digits, 16 shots, icon-clip, seeds 1, 2\n")
    # Five images, three classes each.
    assert len(re.findall(r"^\d\.png (?:\d \d+%(?:, |$)){3}$", told[2], re.MULTILINE)) == 5
    assert told[3].startswith("[1, 2] ['0', '1', '2'")
    assert sorted(re.findall(r"'(\w+)'", told[4])) == ["one", "two", "zero"]
    assert told[5].startswith("ReferenceResult(tip_adapter, digits, 16 shots, icon-clip\n")
    assert (
        "Reference(tip_adapter, icon-clip, 10 classes, alpha (2,), beta (2,), keys (2, 160, 128)" in told[5]
    )
    assert "torch.Size([2, 4, 128]) icon-clip" in told[6]


def test_the_graph_is_given_a_drawing_without_ground_as_classify_sees_it(tmp_path):
    """Black ink, turned by its EXIF tag, on nothing: without the paper all of it is black."""
    fitted, photos, *_ = PYTHON
    (graph,) = [text for text in PYTHON if "onnxruntime" in text]
    run(fitted, tmp_path)
    run(photos, tmp_path)
    commands(ONNX, tmp_path)
    place = tmp_path / "photos" / "0.png"
    ink = ImageOps.invert(Image.open(place).convert("L"))
    drawing = Image.new("RGBA", ink.size, "black")
    drawing.putalpha(ink)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    drawing.save(place, exif=turned)
    given = json.loads(run(f"{graph}\nprint(probabilities[0].tolist())", tmp_path).splitlines()[-1])
    prompt = ns.load_prompt(tmp_path / "my-prompt")
    wanted = ns.Classifier(prompt, seed=1).probabilities([place])[0].tolist()
    assert given == pytest.approx(wanted, abs=1e-5)
    how = json.loads((tmp_path / "as-onnx" / "model.json").read_text())["preprocess"]["read"]
    assert "transparent on white" in how


@pytest.mark.slow
def test_what_is_served_answers_curl(tmp_path):
    fitted, photos, *_ = PYTHON
    run(fitted, tmp_path)
    run(photos, tmp_path)
    export, serve = SERVE.strip().splitlines()
    shell(export, tmp_path)
    with served(tmp_path / "served", serve.split()) as url:
        answer = json.loads(shell(CURL.replace("http://127.0.0.1:5001", url), tmp_path))
    (row,) = answer["predictions"]
    assert list(row["probabilities"].values()) == sorted(row["probabilities"].values(), reverse=True)
    assert (len(row["probabilities"]), row["probabilities"][row["class"]]) == (3, row["probability"])


@pytest.mark.cluster
def test_prompts_of_a_sweep_and_of_mlflow_name_images(tmp_path):
    from mlflow import MlflowClient

    shutil.copytree(ROOT / "search_spaces", tmp_path / "search_spaces")
    # A shorter sweep than the page's, which is README's; and its images.
    assert shlex.split(RUN) == SHIPPED
    shell(
        RUN.strip().replace("nemesis-sweep", f"{sys.executable} -m nemesis_sweep") + " " + " ".join(LESS),
        tmp_path,
    )
    (photos,) = [text for text in PYTHON if "mkdir" in text]
    run(photos, tmp_path)
    of_home, of_mlflow = OF_A_SWEEP
    assert "['0', '1', '2', '3', '4'] [[('" in run(of_home, tmp_path)
    told = shell(REPLAY.replace("16shot", "1shot"), tmp_path)
    assert re.search(r"^digits-1shot/coop: the same, \d+ numbers compared$", told, re.MULTILINE)
    told = shell(REGISTER, tmp_path)
    assert "Version 1 of digits-prompt" in told
    client = MlflowClient(f"sqlite:///{tmp_path}/sweeps/pan/mlflow.db")
    (experiment,) = [each for each in client.search_experiments() if each.name == "pan"]
    runs = client.search_runs([experiment.experiment_id], "tags.`nemesis.baseline` = 'coop'")
    shell(DOWNLOAD.replace("RUN_ID", runs[0].info.run_id), tmp_path)
    assert run(of_mlflow, tmp_path).startswith("[[('")
