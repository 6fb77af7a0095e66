"""Random tests are the same in every run; `--hypothesis-profile=hunt` looks for new failures."""

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("hunt", deadline=None, max_examples=500)
settings.load_profile("suite")
