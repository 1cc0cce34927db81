"""The two ways a command ends badly; both are shown to the user as they are, without a traceback."""


class RecipeError(Exception):
    """The call or the recipe is wrong. Exit status 2."""


class JobError(Exception):
    """The job failed: its message says what is wrong, what was got, and what to do. Exit status 1."""


class Interrupted(Exception):
    """SIGTERM came; the state is saved and the same command goes on from it. Exit status 75."""
