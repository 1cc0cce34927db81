"""What all tests share."""

from hypothesis import settings

# The same examples every time, and no deadline: the first example pays for slow imports.
settings.register_profile("textmill", deadline=None, derandomize=True, database=None)
settings.load_profile("textmill")
