"""The shop on a cluster with Knative: deploying it, watching it, trying it."""
