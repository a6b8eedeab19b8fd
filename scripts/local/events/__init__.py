"""Stands in for Knative's KafkaSource, KafkaSink and PingSource, with their semantics."""
