"""An experiment and a registered model hold what does one task: others are refused by name."""

import mlflow
from mlflow.exceptions import MlflowException

from configs.loading import RecipeError
from configs.recipe import Recipe


def of_experiment(client: mlflow.MlflowClient, experiment: str, recipe: Recipe) -> None:
    ours = recipe.task.kind
    others = client.search_runs([experiment], f"params.`task.kind` != '{ours}'", max_results=1)
    if others:
        theirs = others[0].data.params["task.kind"]
        raise RecipeError(
            f"the experiment {recipe.name!r} has runs of task {theirs!r}, and this recipe's is"
            f" {ours!r}: change the recipe's name, or say that both belong together with"
            f" tracking.experiment: {recipe.name}"
        )


def of_registered_model(client: mlflow.MlflowClient, name: str, task: str) -> None:
    """Look at what the newest version under a name does.

    Raises:
        RecipeError: another task than this.
    """
    try:
        newest = client.search_model_versions(
            f"name = '{name}'", max_results=1, order_by=["version_number DESC"]
        )
        run = client.get_run(newest[0].run_id) if newest and newest[0].run_id else None
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return
        raise
    theirs = run.data.params.get("task.kind", task) if run else task
    if theirs != task:
        raise RecipeError(
            f"the registered model {name!r} is of task {theirs!r}, and this recipe's is {task!r}:"
            " change the recipe's name, or set tracking.register_as to another one"
        )
