"""The command line as a user meets it: real processes, their output and their exit status."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from configs import loading
from pipeline import cli
from pipeline.errors import Interrupted, JobError

TEXTMILL = str(Path(sys.executable).with_name("textmill"))
RECIPE = "configs/classify/banking77_text_cnn.yaml"


def textmill(*arguments, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run(
        [TEXTMILL, *map(str, arguments)], capture_output=True, text=True, env=environment
    )


def modules_after(*arguments):
    """Which modules a command has imported by its end."""
    program = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_comes_at_once():
    # Processor time, which other work on the machine does not change.
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    assert textmill("--help").returncode == 0
    assert spent() - before < 0.3


def test_help_lists_every_command_in_full():
    lines = re.findall(r"^  (\w[\w-]*)  +\S.*(?<!\.\.\.)$", textmill("--help").stdout, re.MULTILINE)
    stages = "prepare train evaluate export verify"
    assert (
        " ".join(lines)
        == f"new check run {stages} predict huggingface generate compare learning-curve"
        " sync serve doctor"
    )


def test_help_imports_nothing_slow():
    slow = {"tensorflow", "keras", "apache_beam", "mlflow", "pandas", "numpy", "rich", "pydantic"}
    assert not modules_after("--help") & slow


def test_check_imports_no_tensorflow():
    used = modules_after("check", RECIPE)
    assert "apache_beam" in used  # so it has looked at the data
    assert not used & {"tensorflow", "tensorflow_text", "keras"}


def test_check_prints_a_recipe_and_ends_with_its_figures(tmp_path):
    done = textmill("check", RECIPE, "--set", "train.epochs=3", "--json")
    *lines, last = done.stdout.splitlines()
    assert done.returncode == 0
    assert loading.parse("\n".join(lines)) == loading.load(RECIPE, ["train.epochs=3"])
    facts = json.loads(last)
    assert facts["outputs"] == 77
    assert facts["parameters"] == sum(facts["parts"].values())


def test_check_goes_on_without_the_data(tmp_path):
    done = textmill("check", RECIPE, "--set", f"data.train={tmp_path}/none.csv")
    assert done.returncode == 0
    assert "all this is a guess" in done.stdout


def test_check_finds_columns_that_are_not_there():
    done = textmill("check", RECIPE, "--set", "task.label=categry")
    assert done.returncode == 2
    assert "no column 'categry'; the file has columns 'text', 'category'" in done.stderr


def test_bad_recipe_has_one_line_a_mistake(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(Path(RECIPE).read_text() + "trakcing: {}\n")
    done = textmill("check", bad, "--set", "train.epoch=3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"{bad}: train.epoch: unknown key; did you mean train.epochs?",
        f"{bad}: trakcing: unknown key; did you mean tracking?",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["frob"],
        ["check"],
        ["check", "none.yaml"],
        ["run", "none.yaml", "--sett", "a=1"],
        ["generate", "none", "--top-p", "2"],
    ],
)
def test_wrong_call_is_status_2(arguments):
    done = textmill(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_failed_job_is_status_1_without_a_traceback_unless_debugged(tmp_path):
    arguments = ["new", "--data", tmp_path / "none.csv", "--text", "a", "--label", "b"]
    arguments += ["--out", tmp_path / "recipe.yaml"]
    done = textmill(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("textmill: error: no input file matches")
    debugged = textmill(*arguments, TEXTMILL_DEBUG="1")
    assert debugged.returncode == 1
    assert "Traceback" in debugged.stderr


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (loading.RecipeError("r.yaml: wrong"), 2, "r.yaml: wrong"),
        (JobError("the disk is full"), 1, "textmill: error: the disk is full"),
        (Interrupted("stopped at step 7"), 75, "textmill: stopped at step 7"),
    ],
)
def test_each_way_of_ending_has_its_status(error, status, line, monkeypatch, capsys):
    def ends():
        raise error

    monkeypatch.setattr(cli, "app", ends)
    with pytest.raises(SystemExit) as exit:
        cli.main()
    assert exit.value.code == status
    assert capsys.readouterr().err.strip() == line


@pytest.mark.parametrize("debug", ["", "1"])
def test_warnings_of_libraries_are_shown_where_someone_debugs(debug, monkeypatch, capsys):
    monkeypatch.setenv("TEXTMILL_DEBUG", debug)
    monkeypatch.setattr(cli, "app", lambda: warnings.warn("this will change", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as a process has them that no test started
        monkeypatch.setattr(warnings, "showwarning", lambda said, *_: print(said, file=sys.stderr))
        cli.main()
    assert capsys.readouterr().err == ("this will change\n" if debug else "")


def test_serve_hands_its_arguments_to_the_server():
    done = textmill("serve", "--help")
    assert done.returncode == 0
    assert "usage: python -m serving.server" in done.stdout


def test_new_writes_a_recipe_that_passes_check_and_replaces_none(tmp_path):
    out = tmp_path / "recipe.yaml"
    arguments = ["new", "--data", "samples/banking77/train.csv", "--text", "text"]
    arguments += ["--test", "samples/banking77/test.csv", "--label", "category", "--out", out]
    assert textmill(*arguments).returncode == 0
    assert textmill("check", out).returncode == 0
    assert loading.load(out).data.test == ("samples/banking77/test.csv",)
    out.write_text("mine")
    refused = textmill(*arguments)
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    assert out.read_text() == "mine"
    assert textmill(*arguments, "--force").returncode == 0
    assert out.read_text() != "mine"


@pytest.fixture
def tiny(tmp_path):
    """A recipe that trains in seconds."""
    rows = [f"{'good' if i % 2 else 'bad'} film number {i},{'pn'[i % 2]}" for i in range(300)]
    (tmp_path / "data.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(f"""
name: tiny
work: {tmp_path}/work
data: {{train: {tmp_path}/data.csv, valid: 0.2, test: 0.2}}
task: {{kind: classify}}
model: {{kind: text_cnn, embedding: {{width: 8}}, filters: 4}}
train: {{epochs: 2, batch_size: 16, learning_rate: 0.01}}
evaluate: {{resamples: 100}}
""")
    return recipe


@pytest.mark.slow
def test_run_goes_all_the_way_and_the_second_time_does_nothing(tiny):
    first = textmill("run", tiny, "--json")
    assert first.returncode == 0, first.stderr
    facts = json.loads(first.stdout.splitlines()[-1])
    assert (Path(facts["export_dir"]) / "saved_model.pb").is_file()
    assert Path(facts["run_dir"]).is_dir()
    assert len(facts["mlflow_run_id"]) == 32
    accuracy = facts["metrics"]["accuracy"]
    assert accuracy.keys() >= {"value", "low", "high", "n"}
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert "textmill serve" in first.stdout
    assert "mlflow ui" in first.stdout
    # Nothing on standard error but our own lines: no warnings of any library's, no bars.
    ours = r"\d\d:\d\d:\d\d "
    assert not [line for line in first.stderr.splitlines() if not re.match(ours, line)]

    second = textmill("run", tiny, "--json")
    assert json.loads(second.stdout.splitlines()[-1]) == facts
    assert len(list(Path(facts["export_dir"]).parent.iterdir())) == 1

    verified = textmill("verify", facts["export_dir"], "--json")
    assert json.loads(verified.stdout.splitlines()[-1])["largest_difference"] <= 1e-5

    files = ["--input", tiny.parent / "data.csv", "--output", tiny.parent / "answers"]
    predicted = textmill("predict", facts["export_dir"], *files, "--json")
    assert json.loads(predicted.stdout.splitlines()[-1])["predicted"] == 300


@pytest.mark.slow
def test_training_told_to_stop_is_status_75(tiny):
    assert textmill("prepare", tiny).returncode == 0
    job = [
        TEXTMILL,
        "train",
        str(tiny),
        "--set",
        "train.epochs=2000",
        "--set",
        "train.log_every=1",
    ]
    with subprocess.Popen(job, stderr=subprocess.PIPE, text=True) as process:
        # The first line comes when the loop has begun.
        while "epoch" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 75
    assert said.splitlines()[-1].startswith("textmill: stopped at step ")
