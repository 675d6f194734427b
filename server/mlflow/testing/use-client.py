"""Code as MLflow's users write it; it knows nothing of the platform. Prints what it found as one line of JSON."""

import json
import math
import os
import sys
import tempfile
import time

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

client = MlflowClient()
found = {}


def refused(what):
    try:
        what()
    except MlflowException as error:
        return error.error_code
    return None


found["default"] = [client.get_experiment("0").name, client.get_experiment_by_name("Default").experiment_id]
found["absent"] = client.get_experiment_by_name("no such experiment")
experiment = mlflow.set_experiment("digits")
client.set_experiment_tag(experiment.experiment_id, "team", "vision")
found["experiment tag"] = client.get_experiment(experiment.experiment_id).tags
found["taken name"] = refused(lambda: client.create_experiment("digits"))

with mlflow.start_run(run_name="parent", tags={"stage": "search"}, description="tries all") as parent:
    mlflow.log_param("optimizer", "adam")
    mlflow.log_params({"layers": 3, "rate": 0.01})
    for step in range(5):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
    mlflow.log_metrics({"accuracy": 0.9, "not a number": math.nan, "over": math.inf, "under": -math.inf})
    found["same param"] = refused(lambda: mlflow.log_param("optimizer", "adam"))
    found["other param"] = refused(lambda: client.log_param(parent.info.run_id, "optimizer", "sgd"))
    mlflow.set_tag("note", "日本語 and 'quotes'")
    mlflow.set_tag("gone", "soon")
    mlflow.delete_tag("gone")
    for number in range(3):
        with mlflow.start_run(run_name=f"child {number}", nested=True):
            mlflow.log_param("number", number)
            mlflow.log_metric("score", number / 2)
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/deep/er")
        with open(f"{folder}/a.txt", "w") as file:
            file.write("the first artifact")
        with open(f"{folder}/deep/er/b.json", "w") as file:
            file.write('{"b": 1}')
        open(f"{folder}/empty", "w").close()
        mlflow.log_artifact(f"{folder}/a.txt")
        mlflow.log_artifacts(folder, "all of it")
    mlflow.log_text("今日は", "texts/greeting.txt")
    mlflow.log_dict({"a": 1}, "dict.json")

run = client.get_run(parent.info.run_id)
found["status"] = run.info.status
found["name"] = run.info.run_name
found["ended"] = run.info.end_time is not None
found["params"] = dict(sorted(run.data.params.items()))
found["metrics"] = {key: repr(value) for key, value in sorted(run.data.metrics.items())}
found["tags"] = {key: value for key, value in sorted(run.data.tags.items()) if not key.startswith("mlflow.")}
found["description"] = run.data.tags["mlflow.note.content"]
found["history"] = [[metric.step, metric.value] for metric in client.get_metric_history(run.info.run_id, "loss")]
found["no history"] = len(client.get_metric_history(run.info.run_id, "never logged"))

now = int(time.time() * 1000)
client.log_batch(
    run.info.run_id,
    metrics=[Metric("batch", step * 0.5, now + step, step) for step in range(1000)],
    params=[Param(f"p{number}", "x" * 10) for number in range(99)],
    tags=[RunTag(f"t{number}", "v") for number in range(10)],
)
client.log_batch(run.info.run_id, metrics=[Metric("batch", 0.25, now + step, step) for step in range(1000, 26000)][:1000])
history = client.get_metric_history(run.info.run_id, "batch")
found["batch"] = [len(history), history[999].value, history[-1].step]


def search(text, **more):
    runs = mlflow.search_runs([experiment.experiment_id], filter_string=text, output_format="list", **more)
    return [run.info.run_name for run in runs]


found["all"] = sorted(search(""))
found["by metric"] = search("metrics.score >= 0.5", order_by=["metrics.score DESC"])
found["by param"] = search("params.number = '1'")
found["by like"] = sorted(search("attributes.run_name LIKE 'child%' and params.number != '0'"))
found["by parent"] = sorted(search(f"tags.mlflow.parentRunId = '{run.info.run_id}'"))
found["by tag"] = search("tags.note LIKE '%日本語%'")
found["by quoted"] = search("metrics.`not a number` > 0")
found["by status"] = len(search("attributes.status = 'FINISHED'"))
found["by time"] = len(search(f"attributes.start_time > {now + 100000000}"))
found["by id"] = search(f"attributes.run_id IN ('{run.info.run_id}')")
found["by absence"] = search("tags.note IS NOT NULL")
found["ordered"] = search("params.number IS NOT NULL", order_by=["params.number ASC"])
found["bad filter"] = refused(lambda: search("metrics.score >"))
page = client.search_runs([experiment.experiment_id], max_results=3)
rest = client.search_runs([experiment.experiment_id], max_results=3, page_token=page.token)
found["pages"] = [len(page), len(rest), rest.token, len({run.info.run_id for run in [*page, *rest]})]
found["experiments"] = sorted(one.name for one in client.search_experiments(filter_string="name LIKE 'dig%'"))

found["listed"] = [[file.path, file.is_dir, file.file_size] for file in client.list_artifacts(run.info.run_id)]
found["listed deeper"] = [[file.path, file.is_dir, file.file_size] for file in client.list_artifacts(run.info.run_id, "all of it/deep/er")]
folder = client.download_artifacts(run.info.run_id, "")
found["downloaded"] = sorted(os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names)
found["content"] = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/texts/greeting.txt")
found["empty"] = os.path.getsize(os.path.join(folder, "all of it", "empty"))
get_artifact_repository(run.info.artifact_uri).delete_artifacts("all of it/deep/er/b.json")
found["after delete"] = [file.path for file in client.list_artifacts(run.info.run_id, "all of it/deep/er")]

dataset = Dataset(name="digits", digest="abc123", source_type="http", source='{"url": "http://data.example/digits"}')
with mlflow.start_run(run_id=run.info.run_id):
    client.log_inputs(run.info.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
found["inputs"] = [[one.dataset.name, one.dataset.digest, [[tag.key, tag.value] for tag in one.tags]] for one in inputs]
found["by data set"] = search("dataset.name = 'digits' and dataset.context = 'training'")

client.delete_run(run.info.run_id)
found["deleted"] = [client.get_run(run.info.run_id).info.lifecycle_stage, "parent" in search("")]
found["log to deleted"] = refused(lambda: client.log_metric(run.info.run_id, "loss", 1))
found["deleted only"] = search("", run_view_type=ViewType.DELETED_ONLY)
client.restore_run(run.info.run_id)

failed = client.create_run(experiment.experiment_id, run_name="failing")
client.set_terminated(failed.info.run_id, "FAILED")
killed = client.create_run(experiment.experiment_id)
client.set_terminated(killed.info.run_id, "KILLED")
found["ends"] = [client.get_run(one.info.run_id).info.status for one in (failed, killed)]
found["invented name"] = len(killed.info.run_name) > 5

found["no run"] = refused(lambda: client.get_run("0" * 32))
found["registry"] = refused(lambda: client.create_registered_model("model"))
found["run"] = run.info.run_id
json.dump(found, sys.stdout, ensure_ascii=False)
