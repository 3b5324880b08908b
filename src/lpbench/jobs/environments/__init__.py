"""Other Python environments: what is installed in each is asked there, by a worker of its own interpreter."""

from lpbench.jobs.environments._around import Around
from lpbench.jobs.environments._asking import Environment, Environments, OfferElsewhere
from lpbench.jobs.environments._making import Made, create, every, remove
from lpbench.jobs.environments._places import place_of

__all__ = ["Around", "Environment", "Environments", "Made", "OfferElsewhere", "create", "every", "place_of", "remove"]
