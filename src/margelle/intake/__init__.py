"""Measurements that are sent to the hub instead of collected: read, checked and kept, whichever way they come."""
