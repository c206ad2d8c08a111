"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure: time is measured in benchmarks, never here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
