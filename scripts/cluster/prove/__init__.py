"""Proof on a real cluster: what is claimed of the shop on Knative, tried and measured."""
