"""The ways a job ends badly, shown to the user as they are; a wrong recipe is a `RecipeError`."""


class JobError(Exception):
    """The job failed: the message says what is wrong, what was got, what to do. Exit status 1."""


class Interrupted(Exception):
    """SIGTERM came; the state is saved and the same command goes on from it. Exit status 75."""
