"""How long the property tests search: SHOP_SEARCH=long takes some 15 minutes."""

import os

from hypothesis import HealthCheck, Phase, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

settings.register_profile(
    "short",
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=_SLOW_IS_FINE,
    print_blob=True,
    # What fails is rather told soon than explained.
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink),
)
settings.register_profile(
    "long", parent=settings.get_profile("short"), max_examples=2_000, stateful_step_count=50
)
settings.load_profile(os.environ.get("SHOP_SEARCH", "short"))
