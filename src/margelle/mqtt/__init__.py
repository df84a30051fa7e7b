"""Measurements that come from an MQTT broker."""
